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
    ready uuid[];
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
    IF EXISTS (
        SELECT FROM sides.fang_tasks WHERE state IN ('new', 'retried') AND parked_by IS NULL AND crashes >= 2
    ) AND NOT EXISTS (
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
        ready := sides.lock_ready(claim.kinds, wanted - cardinality(taken), NULL, false);
        IF cardinality(ready) > 0 THEN
            WITH mine AS (
                UPDATE sides.fang_tasks
                SET state = 'in_progress', attempt = least(attempt, 32766) + 1, lease = lease % 2147483647 + 1, owner = worker, updated_at = now(),
                    unique_key = CASE WHEN unique_waiting THEN NULL ELSE unique_key END
                WHERE id = ANY (ready)
                RETURNING fang_tasks.*
            )
            SELECT coalesce(array_agg(mine::sides.fang_tasks), '{}') INTO more FROM mine;
            taken := taken || more;
        END IF;
    END IF;
    RETURN QUERY
        SELECT task.id, task.lease, task.kind,
            CASE WHEN task.metadata ? '$arguments' THEN task.metadata -> '$arguments' ELSE task.metadata - 'type' END,
            task.version, task.attempt, task.task_type, task.trace
        FROM unnest(taken) AS task ORDER BY task.priority, task.scheduled_at, task.id;
END
$$;

CREATE OR REPLACE FUNCTION sides.extend(worker uuid, lease_for interval DEFAULT '30 seconds')
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

CREATE OR REPLACE FUNCTION sides.leave(worker uuid) RETURNS integer LANGUAGE plpgsql
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

DROP FUNCTION sides.hold, sides.miss_workers, sides.show_session, sides.session_locks;
ALTER TABLE sides.runner_sessions DROP COLUMN missing_since, DROP COLUMN missing_lease;
