-- One row costs one row: what Postgres can hold and no worker can read is refused where it is enqueued. Rows that are there
-- all the same, or come by another way, are met by whoever reads them, each alone.

-- As before, and what is said beside the arguments is checked as well: with a sentence, a hint and one SQLSTATE (22023).
CREATE OR REPLACE FUNCTION sides.enqueue(
    kind text, arguments jsonb DEFAULT '{}', queue text DEFAULT 'default', run_at timestamptz DEFAULT NULL,
    priority integer DEFAULT 0, unique_key text DEFAULT NULL, limit_key text DEFAULT NULL, tags text[] DEFAULT NULL,
    trace text DEFAULT NULL, version integer DEFAULT 1
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    -- Numbers that no float comes near.
    is_far CONSTANT jsonpath :=
        '$.** ? (@.type() == "number" && (@ > 1.7976931348623157e308 || @ < -1.7976931348623157e308))';
    fault text;
    advice text;
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
    -- What is said beside the arguments, in the words that the caller used and not in those of the table. First whether
    -- anything may be wrong, which costs little; then what.
    IF run_at NOT BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00' OR tags IS NOT NULL
        OR coalesce(length(queue), 0) NOT BETWEEN 1 AND 200 OR coalesce(priority, 99999) NOT BETWEEN -32768 AND 32767
        OR coalesce(version, 0) NOT BETWEEN 1 AND 32767 OR octet_length(unique_key) NOT BETWEEN 1 AND 1500
        OR octet_length(limit_key) NOT BETWEEN 1 AND 1500 OR length(trace) NOT BETWEEN 1 AND 200
        OR jsonb_path_exists(arguments, is_far) THEN
        SELECT checked.fault, checked.advice INTO fault, advice FROM (VALUES
            (run_at NOT BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00',
                format('%s is no time to run at', run_at),
                'Give a moment within the years 1 to 9999, or leave run_at out for now.'),
            (coalesce(length(queue), 0) NOT BETWEEN 1 AND 200,
                'a queue''s name is 1 to 200 characters, not ' || coalesce(quote_literal(left(queue, 50)), 'NULL'),
                'Leave queue out for ''default''.'),
            (coalesce(priority, 99999) NOT BETWEEN -32768 AND 32767,
                'a priority is -32768 to 32767, not ' || coalesce(priority::text, 'NULL'), 'Smaller runs first.'),
            (coalesce(version, 0) NOT BETWEEN 1 AND 32767,
                'a version is 1 to 32767, not ' || coalesce(version::text, 'NULL'),
                'It is the version of the contract that the arguments are written in.'),
            (octet_length(unique_key) NOT BETWEEN 1 AND 1500,
                format('a unique_key is 1 to 1500 bytes, not %s', octet_length(unique_key)),
                'Leave it out for a job like any other; use a digest of what is longer.'),
            (octet_length(limit_key) NOT BETWEEN 1 AND 1500,
                format('a limit_key is 1 to 1500 bytes, not %s', octet_length(limit_key)),
                'Leave it out where nothing is limited by key.'),
            (length(trace) NOT BETWEEN 1 AND 200,
                format('a trace is 1 to 200 characters, not %s', length(trace)),
                'It is a W3C traceparent, such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.'),
            (array_ndims(tags) > 1 OR cardinality(tags) > 100 OR EXISTS (
                    SELECT FROM unnest(tags) AS tag WHERE coalesce(length(tag), 0) NOT BETWEEN 1 AND 200),
                'tags are at most 100 words of 1 to 200 characters, in one array without NULL', 'Such as ARRAY[''eu''].'),
            (jsonb_path_exists(arguments, is_far),
                format('the arguments of %s hold a number that no reader could take', enqueue.kind),
                'Write what is beyond 1.8e308 as a text.')
        ) AS checked (is_wrong, fault, advice) WHERE checked.is_wrong LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION '%', fault USING ERRCODE = 'invalid_parameter_value', HINT = advice;
        END IF;
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

-- Numbers that have come to their end stay there, and cost no other job its claim.
CREATE OR REPLACE FUNCTION sides.claim(
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
            SET state = 'in_progress', attempt = least(attempt, 32766) + 1, lease = lease % 2147483647 + 1, owner = worker, updated_at = now(),
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
            SET state = 'in_progress', attempt = least(attempt, 32766) + 1, lease = lease % 2147483647 + 1, owner = worker, updated_at = now(),
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

CREATE OR REPLACE FUNCTION sides.claim_limited(runner uuid, known text[], wanted integer)
    RETURNS SETOF sides.fang_tasks LANGUAGE plpgsql AS $$
DECLARE
    which record;
    rule sides.job_rules;
    places integer;
    claimed integer;
    starts double precision;
    ids uuid[];
BEGIN
    FOR which IN SELECT scope, name FROM sides.job_rules WHERE sides.is_limited(job_rules) AND NOT paused LOOP
        EXIT WHEN wanted <= 0;
        SELECT * INTO rule FROM sides.job_rules
        WHERE scope = which.scope AND name = which.name AND NOT paused FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND OR rule.scope = 'kind' AND rule.name <> ALL (known);
        places := least(wanted, rule.max_running - (
            SELECT count(*) FROM sides.fang_tasks WHERE state = 'in_progress'
                AND CASE WHEN rule.scope = 'kind' THEN kind ELSE task_type END = rule.name
        ));
        -- No rule, however it was written, may end the claim of all: neither an infinite time nor a vanishing rate.
        starts := CASE WHEN rule.max_starts IS NOT NULL THEN
            least(rule.max_starts, greatest(0, coalesce(rule.starts_left, rule.max_starts)
                + rule.max_starts / greatest(rule.per_seconds, 0.000001)
                    * CASE WHEN isfinite(rule.refilled_at)
                        THEN extract(epoch FROM clock_timestamp() - rule.refilled_at)::float8 ELSE 0 END)) END;
        places := least(places, floor(starts)::integer);
        CONTINUE WHEN places <= 0;
        ids := ARRAY(
            SELECT id FROM sides.fang_tasks
            WHERE state IN ('new', 'retried') AND parked_by IS NULL AND crashes < 2 AND scheduled_at <= now()
                AND kind = ANY (known)
                AND CASE WHEN rule.scope = 'kind' THEN kind = rule.name ELSE task_type = rule.name
                    AND kind <> ALL (ARRAY(
                        SELECT name FROM sides.job_rules
                        WHERE scope = 'kind' AND (paused OR sides.is_limited(job_rules))
                    )) END
                AND task_type <> ALL (ARRAY(SELECT name FROM sides.job_rules WHERE scope = 'queue' AND paused))
            ORDER BY priority, scheduled_at
            LIMIT CASE WHEN rule.max_per_key IS NULL THEN places ELSE greatest(5000, 10 * places) END
            FOR UPDATE SKIP LOCKED
        );
        IF rule.max_per_key IS NOT NULL THEN
            ids := ARRAY(
                SELECT id FROM (
                    SELECT id, limit_key, priority, scheduled_at,
                        row_number() OVER (PARTITION BY limit_key ORDER BY priority, scheduled_at) AS place
                    FROM sides.fang_tasks WHERE id = ANY (ids)
                ) AS ready
                LEFT JOIN (
                    SELECT limit_key, count(*) AS count FROM sides.fang_tasks
                    WHERE state = 'in_progress' AND limit_key IS NOT NULL
                        AND CASE WHEN rule.scope = 'kind' THEN kind ELSE task_type END = rule.name
                    GROUP BY limit_key
                ) AS running USING (limit_key)
                WHERE limit_key IS NULL OR place + coalesce(running.count, 0) <= rule.max_per_key
                ORDER BY priority, scheduled_at LIMIT places
            );
        END IF;
        RETURN QUERY UPDATE sides.fang_tasks
            SET state = 'in_progress', attempt = least(attempt, 32766) + 1, lease = lease % 2147483647 + 1, owner = runner,
                updated_at = now(), unique_key = CASE WHEN unique_waiting THEN NULL ELSE unique_key END
            WHERE id = ANY (ids) RETURNING *;
        GET DIAGNOSTICS claimed = ROW_COUNT;
        wanted := wanted - claimed;
        IF claimed > 0 THEN
            UPDATE sides.job_rules SET starts_left = starts - claimed, refilled_at = clock_timestamp()
            WHERE scope = rule.scope AND name = rule.name;
        END IF;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION sides.rescue_jobs() RETURNS integer LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
WITH lost AS MATERIALIZED (
    SELECT id, owner, updated_at FROM sides.fang_tasks
    WHERE state = 'in_progress' AND owner <> ALL (ARRAY(SELECT id FROM sides.runners WHERE lease_until > now()))
    FOR UPDATE SKIP LOCKED
), rescued AS (
    UPDATE sides.fang_tasks
    SET owner = NULL, updated_at = now(), crashes = least(crashes, 32766) + 1, retries = least(retries, 2147483646) + 1,
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

CREATE OR REPLACE FUNCTION sides.return_job(
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
        attempt = attempt - 1 + counts, retries = least(retries, 2147483646) + counts,
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

-- Waits that no time can be added to are refused.
CREATE OR REPLACE FUNCTION sides.fail(
    worker uuid, job uuid, lease integer, error text, retry_in interval DEFAULT NULL, max_attempts integer DEFAULT 20
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    started integer := (SELECT attempt FROM sides.fang_tasks WHERE id = job);
    backoff interval := least(interval '5 seconds' * 2 ^ least(started - 1, 20), interval '1 hour')
        * (0.75 + random() / 2);
    is_last boolean := started >= max_attempts;
BEGIN
    IF retry_in < '0' OR retry_in > '10 years' THEN
        RAISE EXCEPTION 'a job is tried again at once or within 10 years, not in %', retry_in
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave retry_in out for 5 s, 10 s … an hour.';
    ELSIF max_attempts IS NULL OR max_attempts NOT BETWEEN 1 AND 32767 THEN
        RAISE EXCEPTION 'a job has 1 to 32767 attempts, not %', coalesce(max_attempts::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN sides.return_job(worker, job, fail.lease, CASE WHEN is_last THEN 'failed' ELSE 'retried' END,
        CASE WHEN is_last THEN interval '0' ELSE coalesce(retry_in, backoff) END,
        coalesce(error, 'no reason was given'));
END
$$;

CREATE OR REPLACE FUNCTION sides.snooze(worker uuid, job uuid, lease integer, wait interval) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- An attempt that is snoozed does not count: without a wait it would begin again at once, for ever.
    IF wait IS NULL OR wait <= '0' OR wait > '10 years' THEN
        RAISE EXCEPTION 'a job is snoozed for a while and at most 10 years, not for %', coalesce(wait::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'sides.give_back returns a job that may begin again at once.';
    END IF;
    RETURN sides.return_job(worker, job, lease, 'snoozed', wait, NULL);
END
$$;

-- A person may have a job run that was parked for its time.
CREATE OR REPLACE FUNCTION sides.unpark_jobs(jobs uuid[], asked_by text DEFAULT NULL, reason text DEFAULT NULL) RETURNS SETOF uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    done uuid[];
BEGIN
    WITH released AS (
        UPDATE sides.fang_tasks SET parked_by = NULL, updated_at = now(), 
            -- What is parked since its time was none is due now.
            scheduled_at = CASE WHEN isfinite(scheduled_at) THEN least(scheduled_at, now()) ELSE now() END
        WHERE id = ANY (jobs) AND parked_by IS NOT NULL RETURNING id
    )
    SELECT coalesce(array_agg(id ORDER BY id), '{}') INTO done FROM released;
    PERFORM sides.note_jobs('unpark jobs', jsonb_build_object('jobs', done[:100]), cardinality(done), asked_by, reason);
    PERFORM pg_notify('sides_jobs', '') WHERE cardinality(done) > 0;
    RETURN QUERY SELECT unnest(done);
END
$$;

-- Who writes into the tables directly hears the same. Looked at only when such a value is set, so that a row of before can
-- still be worked on; a row that is as it should be costs a few comparisons.
CREATE FUNCTION sides.refuse_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a job has a time within the years 1 to 9999, and tags in one array without NULL; not % and %',
        NEW.scheduled_at, coalesce(NEW.tags::text, 'none')
        USING ERRCODE = 'invalid_parameter_value', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
            HINT = 'Leave scheduled_at out for now.';
END
$$;
CREATE TRIGGER fang_tasks_refuse BEFORE INSERT ON sides.fang_tasks FOR EACH ROW
    WHEN (NEW.scheduled_at NOT BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        OR array_ndims(NEW.tags) > 1 OR array_position(NEW.tags, NULL) IS NOT NULL)
    EXECUTE FUNCTION sides.refuse_job();
CREATE TRIGGER fang_tasks_refuse_change BEFORE UPDATE OF scheduled_at, tags ON sides.fang_tasks FOR EACH ROW
    WHEN ((NEW.scheduled_at IS DISTINCT FROM OLD.scheduled_at OR NEW.tags IS DISTINCT FROM OLD.tags)
        AND (NEW.scheduled_at NOT BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
            OR array_ndims(NEW.tags) > 1 OR array_position(NEW.tags, NULL) IS NOT NULL))
    EXECUTE FUNCTION sides.refuse_job();

CREATE FUNCTION sides.refuse_moment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% has no infinite times', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'invalid_parameter_value', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
            HINT = 'Leave the time out for now, or give one that a calendar has.';
END
$$;
CREATE TRIGGER stored_schedules_refuse BEFORE INSERT OR UPDATE OF since ON sides.stored_schedules FOR EACH ROW
    WHEN (NOT isfinite(NEW.since)) EXECUTE FUNCTION sides.refuse_moment();
CREATE TRIGGER schedule_pauses_refuse BEFORE INSERT OR UPDATE OF paused_at, resumed_at ON sides.schedule_pauses FOR EACH ROW
    WHEN (NOT isfinite(NEW.paused_at) OR NOT isfinite(NEW.resumed_at)) EXECUTE FUNCTION sides.refuse_moment();
CREATE TRIGGER schedule_runs_refuse BEFORE INSERT OR UPDATE OF asked_at ON sides.schedule_runs FOR EACH ROW
    WHEN (NOT isfinite(NEW.asked_at)) EXECUTE FUNCTION sides.refuse_moment();
CREATE TRIGGER scale_requests_refuse BEFORE INSERT OR UPDATE OF at ON sides.scale_requests FOR EACH ROW
    WHEN (NOT isfinite(NEW.at)) EXECUTE FUNCTION sides.refuse_moment();
