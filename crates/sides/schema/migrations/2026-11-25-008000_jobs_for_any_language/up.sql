-- The queue for workers and enqueuers in any language, by the same rules as the Rust runner: only kinds that the worker
-- names, pauses and limits, a lease for each worker, (worker, lease) as the fencing token, three deaths, history.
--
-- All act as their owner and look nothing up by a path that their caller chose, so a role needs no right on a table;
-- and nobody may call them but who is granted it.

-- One job, in whatever transaction. Answers with its id; where the key is taken, with that of the job that has it.
CREATE FUNCTION sides.enqueue(
    kind text, arguments jsonb DEFAULT '{}', queue text DEFAULT 'default', run_at timestamptz DEFAULT NULL,
    priority integer DEFAULT 0, unique_key text DEFAULT NULL, limit_key text DEFAULT NULL, tags text[] DEFAULT NULL,
    trace text DEFAULT NULL, version integer DEFAULT 1
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    metadata jsonb;
    id uuid;
BEGIN
    IF coalesce(length(enqueue.kind), 0) NOT BETWEEN 1 AND 200 THEN
        RAISE EXCEPTION 'a job''s kind is 1 to 200 characters, not %', coalesce(quote_literal(enqueue.kind), 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF arguments IS NULL THEN
        RAISE EXCEPTION 'the arguments of % are NULL', enqueue.kind
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave them out, or give ''{}''.';
    END IF;
    metadata := CASE
        WHEN jsonb_typeof(arguments) = 'object' AND NOT arguments ?| ARRAY['type', '$arguments'] THEN arguments
        ELSE jsonb_build_object('$arguments', arguments)
    END || jsonb_build_object('type', enqueue.kind);
    IF octet_length(metadata::text) > 1048576 THEN
        RAISE EXCEPTION 'the arguments of % are % bytes of JSON, and at most 1048576 may be queued',
            enqueue.kind, octet_length(metadata::text)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Store the data and enqueue its id.';
    END IF;
    IF jsonb_path_exists(metadata, '$.**{101}') THEN
        RAISE EXCEPTION 'the arguments of % are nested deeper than 100 levels', enqueue.kind
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Flatten them, or store them and enqueue their id.';
    END IF;
    -- The second half finds the job that has the key; a key that was free again a moment later is tried once more.
    LOOP
        INSERT INTO sides.fang_tasks
            (metadata, version, task_type, priority, scheduled_at, unique_key, limit_key, tags, trace)
        VALUES (metadata, enqueue.version, enqueue.queue, enqueue.priority, coalesce(run_at, now()),
            enqueue.unique_key, enqueue.limit_key, enqueue.tags, enqueue.trace)
        ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL DO NOTHING
        RETURNING fang_tasks.id INTO id;
        EXIT WHEN FOUND;
        SELECT task.id INTO id FROM sides.fang_tasks AS task
        WHERE task.kind = enqueue.kind AND task.unique_key = enqueue.unique_key;
        EXIT WHEN FOUND;
    END LOOP;
    RETURN id;
END
$$;

-- Frees the jobs of workers that are no longer heard of; the third death of one job parks it as failed.
CREATE FUNCTION sides.rescue_jobs() RETURNS integer LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
WITH lost AS MATERIALIZED (
    SELECT id, owner, updated_at FROM sides.fang_tasks
    WHERE state = 'in_progress' AND owner <> ALL (ARRAY(SELECT id FROM sides.runners WHERE lease_until > now()))
    FOR UPDATE SKIP LOCKED
), rescued AS (
    UPDATE sides.fang_tasks
    SET owner = NULL, updated_at = now(), crashes = crashes + 1, retries = retries + 1,
        state = CASE WHEN crashes >= 2 THEN 'failed' ELSE 'retried' END::sides.fang_task_state,
        error_message = CASE WHEN crashes >= 2 THEN 'three workers died while running this job'
            ELSE 'the worker that ran this job died or lost its lease' END
    WHERE id = ANY (ARRAY(SELECT id FROM lost))
    RETURNING id, attempt, error_message
), noted AS (
    INSERT INTO sides.job_attempts (job_id, attempt, outcome, error, release, owner, claimed_at)
    SELECT rescued.id, attempt, 'lost', error_message, runners.release, lost.owner, lost.updated_at
    FROM rescued JOIN lost ON lost.id = rescued.id LEFT JOIN sides.runners ON runners.id = lost.owner
)
SELECT count(*)::integer FROM rescued
$$;

-- Takes up to `wanted` due jobs of these kinds for a worker, which a uuid of its own names, and gives it a lease on all
-- that it holds. To be committed before the work begins.
CREATE FUNCTION sides.claim(
    worker uuid, kinds text[], wanted integer DEFAULT 1, lease_for interval DEFAULT '30 seconds',
    release text DEFAULT NULL
) RETURNS TABLE (
    job uuid, lease integer, kind text, arguments jsonb, version smallint, attempt smallint, queue text, trace text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    taken sides.fang_tasks[] := '{}';
    more sides.fang_tasks[];
BEGIN
    IF worker IS NULL OR coalesce(cardinality(claim.kinds), 0) = 0 OR '' = ANY (claim.kinds)
        OR array_position(claim.kinds, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'a claim names its worker and at least one kind'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'One gen_random_uuid() for each run of a worker.';
    ELSIF wanted IS NULL OR wanted NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'a claim takes 1 to 10000 jobs, not %', wanted USING ERRCODE = 'invalid_parameter_value';
    ELSIF lease_for IS NULL OR lease_for NOT BETWEEN '1 second' AND '1 day' THEN
        RAISE EXCEPTION 'a lease lasts from a second to a day, not %', lease_for
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Not at every claim: a quarter of the lease may pass.
    INSERT INTO sides.runners AS there (id, instance, release, kinds, concurrency, lease_until)
    VALUES (worker, worker, coalesce(claim.release, nullif(current_setting('application_name'), ''), 'unknown'),
        claim.kinds, wanted, now() + lease_for)
    ON CONFLICT (id) DO UPDATE SET lease_until = greatest(there.lease_until, excluded.lease_until),
        kinds = excluded.kinds, concurrency = greatest(there.concurrency, excluded.concurrency)
    WHERE there.lease_until < now() + 0.75 * lease_for OR there.kinds <> excluded.kinds
        OR there.concurrency < excluded.concurrency;
    IF FOUND THEN
        PERFORM sides.rescue_jobs();
        DELETE FROM sides.runners WHERE lease_until < now() - interval '1 hour';
    END IF;

    -- A job that two workers died with: one at a time, so that no other is counted as a killer.
    IF NOT EXISTS (
        SELECT FROM sides.fang_tasks WHERE state = 'in_progress' AND owner = worker AND crashes >= 2
    ) THEN
        WITH mine AS (
            UPDATE sides.fang_tasks
            SET state = 'in_progress', attempt = attempt + 1, lease = lease + 1, owner = worker, updated_at = now(),
                unique_key = CASE WHEN unique_waiting THEN NULL ELSE unique_key END
            WHERE id = ANY (ARRAY(
                SELECT id FROM sides.fang_tasks
                WHERE state IN ('new', 'retried') AND parked_by IS NULL AND crashes >= 2 AND scheduled_at <= now()
                    AND kind = ANY (claim.kinds)
                    AND task_type <> ALL (ARRAY(SELECT name FROM sides.job_rules WHERE scope = 'queue' AND paused))
                    AND kind <> ALL (ARRAY(SELECT name FROM sides.job_rules WHERE scope = 'kind' AND paused))
                ORDER BY scheduled_at LIMIT 1 FOR UPDATE SKIP LOCKED))
            RETURNING fang_tasks.*
        )
        SELECT coalesce(array_agg(mine::sides.fang_tasks), '{}') INTO taken FROM mine;
    END IF;
    IF cardinality(taken) < wanted AND EXISTS (SELECT FROM sides.job_rules WHERE sides.is_limited(job_rules)) THEN
        SELECT coalesce(array_agg(limited), '{}') INTO more
        FROM sides.claim_limited(worker, claim.kinds, wanted - cardinality(taken)) AS limited;
        taken := taken || more;
    END IF;
    IF cardinality(taken) < wanted THEN
        WITH mine AS (
            UPDATE sides.fang_tasks
            SET state = 'in_progress', attempt = attempt + 1, lease = lease + 1, owner = worker, updated_at = now(),
                unique_key = CASE WHEN unique_waiting THEN NULL ELSE unique_key END
            WHERE id = ANY (ARRAY(
                SELECT id FROM sides.fang_tasks
                WHERE state IN ('new', 'retried') AND parked_by IS NULL AND crashes < 2 AND scheduled_at <= now()
                    AND kind = ANY (claim.kinds)
                    AND task_type <> ALL (ARRAY(SELECT name FROM sides.job_rules
                        WHERE scope = 'queue' AND (paused OR sides.is_limited(job_rules))))
                    AND kind <> ALL (ARRAY(SELECT name FROM sides.job_rules
                        WHERE scope = 'kind' AND (paused OR sides.is_limited(job_rules))))
                ORDER BY priority, scheduled_at LIMIT wanted - cardinality(taken) FOR UPDATE SKIP LOCKED))
            RETURNING fang_tasks.*
        )
        SELECT coalesce(array_agg(mine::sides.fang_tasks), '{}') INTO more FROM mine;
        taken := taken || more;
    END IF;
    RETURN QUERY
        SELECT task.id, task.lease, task.kind,
            CASE WHEN task.metadata ? '$arguments' THEN task.metadata -> '$arguments' ELSE task.metadata - 'type' END,
            task.version, task.attempt, task.task_type, task.trace
        FROM unnest(taken) AS task ORDER BY task.priority, task.scheduled_at, task.id;
END
$$;

-- Renews a worker's lease. Answers with what it still holds, and why somebody wants a job stopped. What it has and is
-- not answered is another worker's by now.
CREATE FUNCTION sides.extend(worker uuid, lease_for interval DEFAULT '30 seconds')
    RETURNS TABLE (job uuid, lease integer, cancelled text) LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    IF lease_for IS NULL OR lease_for NOT BETWEEN '1 second' AND '1 day' THEN
        RAISE EXCEPTION 'a lease lasts from a second to a day, not %', lease_for
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    UPDATE sides.runners SET lease_until = greatest(lease_until, now() + lease_for) WHERE id = worker;
    IF FOUND THEN
        PERFORM sides.rescue_jobs();
        RETURN QUERY SELECT task.id, task.lease, task.cancelled FROM sides.fang_tasks AS task
            WHERE task.state = 'in_progress' AND task.owner = worker ORDER BY task.id;
    END IF;
END
$$;

-- Ends a job that is still this worker's, or does nothing. What somebody cancelled meanwhile is cancelled, unless it was
-- done all the same.
CREATE FUNCTION sides.end_job(worker uuid, job uuid, token integer, outcome text, reason text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    WITH over AS (
        DELETE FROM sides.fang_tasks
        WHERE id = job AND lease = token AND owner = worker AND state = 'in_progress' RETURNING *
    )
    INSERT INTO sides.job_history (id, kind, queue, outcome, attempt, error, enqueued_by, owner, created_at,
        scheduled_at, claimed_at, duration_us, release, unique_key, tags, trace)
    SELECT id, kind, task_type,
        CASE WHEN end_job.outcome <> 'finished' AND cancelled IS NOT NULL THEN 'cancelled' ELSE end_job.outcome END,
        attempt, CASE WHEN end_job.outcome = 'finished' THEN error_message
            ELSE left(coalesce(cancelled, reason, 'no reason was given'), 8000) END,
        enqueued_by, owner, created_at, scheduled_at, updated_at,
        greatest(0, extract(epoch FROM clock_timestamp() - updated_at) * 1000000)::bigint,
        (SELECT release FROM sides.runners WHERE id = worker), unique_key, tags, trace
    FROM over;
    RETURN FOUND;
END
$$;

-- Gives back a job that is still this worker's, or does nothing. What somebody cancelled meanwhile is over.
CREATE FUNCTION sides.return_job(
    worker uuid, job uuid, token integer, outcome text, wait interval, reason text
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    counts integer := CASE WHEN return_job.outcome IN ('retried', 'failed') THEN 1 ELSE 0 END;
    runs_as text := coalesce((SELECT release FROM sides.runners WHERE id = worker), 'unknown');
    task sides.fang_tasks;
BEGIN
    SELECT * INTO task FROM sides.fang_tasks
    WHERE id = job AND lease = token AND owner = worker AND state = 'in_progress' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    ELSIF task.cancelled IS NOT NULL THEN
        RETURN sides.end_job(worker, job, token, 'cancelled', NULL);
    END IF;
    UPDATE sides.fang_tasks SET owner = NULL, updated_at = now(),
        state = CASE WHEN counts = 1 THEN return_job.outcome WHEN retries > 0 THEN 'retried' ELSE 'new' END
            ::sides.fang_task_state,
        attempt = attempt - 1 + counts, retries = retries + counts,
        scheduled_at = CASE WHEN wait > interval '0' THEN now() + wait ELSE scheduled_at END,
        error_message = coalesce(left(reason, 8000), error_message),
        parked_by = CASE WHEN return_job.outcome = 'parked' THEN runs_as END
    WHERE id = job;
    INSERT INTO sides.job_attempts (job_id, attempt, outcome, error, release, owner, claimed_at, duration_us)
    SELECT job, task.attempt, return_job.outcome, left(reason, 8000), runs_as, worker, task.updated_at,
        greatest(0, extract(epoch FROM clock_timestamp() - task.updated_at) * 1000000)::bigint
    WHERE return_job.outcome <> 'released';
    RETURN true;
END
$$;

-- What becomes of a job. Each answers whether it was still this worker's; if not, nothing was changed.

-- It is done.
CREATE FUNCTION sides.complete(worker uuid, job uuid, lease integer) RETURNS boolean LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN sides.end_job(worker, job, lease, 'finished', NULL);

-- It can never succeed.
CREATE FUNCTION sides.discard(worker uuid, job uuid, lease integer, reason text) RETURNS boolean LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN sides.end_job(worker, job, lease, 'discarded', reason);

-- This attempt failed: again after a while, by default 5 s, 10 s … an hour, give or take a quarter; after the last
-- attempt it stays, for people.
CREATE FUNCTION sides.fail(
    worker uuid, job uuid, lease integer, error text, retry_in interval DEFAULT NULL, max_attempts integer DEFAULT 20
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    started integer := (SELECT attempt FROM sides.fang_tasks WHERE id = job);
    backoff interval := least(interval '5 seconds' * 2 ^ least(started - 1, 20), interval '1 hour')
        * (0.75 + random() / 2);
    is_last boolean := started >= max_attempts;
BEGIN
    RETURN sides.return_job(worker, job, fail.lease, CASE WHEN is_last THEN 'failed' ELSE 'retried' END,
        CASE WHEN is_last THEN interval '0' ELSE coalesce(retry_in, backoff) END,
        coalesce(error, 'no reason was given'));
END
$$;

-- Not now. The attempt does not count.
CREATE FUNCTION sides.snooze(worker uuid, job uuid, lease integer, wait interval) RETURNS boolean LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN sides.return_job(worker, job, lease, 'snoozed', wait, NULL);

-- It was not begun, or was stopped with its worker. The attempt does not count.
CREATE FUNCTION sides.give_back(worker uuid, job uuid, lease integer) RETURNS boolean LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN sides.return_job(worker, job, lease, 'released', NULL, NULL);

-- This build cannot read its arguments: it is set aside for one that can. The attempt does not count.
CREATE FUNCTION sides.park(worker uuid, job uuid, lease integer, reason text) RETURNS boolean LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN sides.return_job(worker, job, lease, 'parked', NULL, coalesce(reason, 'no reason was given'));

-- A worker ends: what it still holds goes back. Answers how many jobs that were.
CREATE FUNCTION sides.leave(worker uuid) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    held record;
    given_back integer := 0;
BEGIN
    FOR held IN SELECT id, lease FROM sides.fang_tasks WHERE state = 'in_progress' AND owner = worker ORDER BY id LOOP
        IF sides.give_back(worker, held.id, held.lease) THEN
            given_back := given_back + 1;
        END IF;
    END LOOP;
    DELETE FROM sides.runners WHERE id = worker;
    RETURN given_back;
END
$$;

REVOKE EXECUTE ON FUNCTION sides.enqueue, sides.rescue_jobs, sides.claim, sides.extend, sides.end_job, sides.return_job,
    sides.complete, sides.discard, sides.fail, sides.snooze, sides.give_back, sides.park, sides.leave FROM PUBLIC;
