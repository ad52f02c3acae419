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

DROP FUNCTION sides.running_under, sides.lock_ready, sides.walked, sides.looks_through_all, sides.note_place, sides.noted_place;
DROP TABLE sides.claim_places;
