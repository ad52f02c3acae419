-- A worker in any language is missed when its session ends, as runners are, if it says which session that is; and workers in
-- any language miss others, where no runner does.

-- What was seen of a lock that is not there: since when, and the lease of that time. Whoever has renewed it since lives.
ALTER TABLE sides.runner_sessions ADD COLUMN missing_since timestamptz, ADD COLUMN missing_lease timestamptz;

-- The advisory locks of this database.
CREATE FUNCTION sides.session_locks() RETURNS bigint[] LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN ARRAY(
        SELECT classid::bigint << 32 | objid::bigint FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 1
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    );

-- Says that the session which calls this lives as long as the worker does: one of the worker's own, straight to the server,
-- that it keeps open and that nothing outlives it keeps. The server then sees at once when the worker dies. `lease_for` is
-- the lease that it has: a worker that is only cut off keeps it.
CREATE FUNCTION sides.hold(worker uuid, lease_for interval DEFAULT '30 seconds') RETURNS boolean LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    seconds bigint;
BEGIN
    IF worker IS NULL THEN
        RAISE EXCEPTION 'a session is held for a worker'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Name the uuid that its claims name.';
    ELSIF lease_for IS NULL OR lease_for NOT BETWEEN '1 second' AND '1 day' THEN
        RAISE EXCEPTION 'a lease lasts from a second to a day, not %', lease_for
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- A server that asks its clients for signs of life more often would end the session of one that is cut off too early.
    seconds := ceil(extract(epoch FROM lease_for)) + 1;
    PERFORM set_config(name, (CASE name WHEN 'tcp_user_timeout' THEN seconds * 1000 ELSE seconds END)::text, false)
    FROM pg_settings
    WHERE CASE name WHEN 'tcp_keepalives_idle' THEN setting::bigint BETWEEN 1 AND seconds
        WHEN 'tcp_user_timeout' THEN setting::bigint BETWEEN 1 AND seconds * 1000 END;
    -- Asked again by the same session, it says so and changes nothing.
    IF NOT EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid = pg_backend_pid()
            AND (classid::bigint << 32 | objid::bigint) = sides.runner_lock(worker)
    ) THEN
        IF NOT pg_try_advisory_lock_shared(sides.runner_lock(worker)) THEN
            RETURN false;
        END IF;
    ELSIF EXISTS (SELECT FROM sides.runner_sessions WHERE runner = worker AND server_started_at IS NOT NULL) THEN
        RETURN true;
    END IF;
    INSERT INTO sides.runner_sessions AS there (runner, server_started_at, seen_at)
    VALUES (worker, pg_postmaster_start_time(), now())
    ON CONFLICT (runner) DO UPDATE SET server_started_at = excluded.server_started_at, seen_at = excluded.seen_at,
        missing_since = NULL, missing_lease = NULL;
    RETURN true;
END
$$;

-- Whether the lock of a worker is there, as it renews its lease: one that is not will not be missed.
CREATE FUNCTION sides.show_session(worker uuid) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_held boolean;
BEGIN
    IF EXISTS (SELECT FROM sides.runner_sessions WHERE runner = worker) THEN
        is_held := sides.runner_lock(worker) = ANY (sides.session_locks());
        UPDATE sides.runner_sessions
        SET server_started_at = CASE WHEN is_held THEN pg_postmaster_start_time() END, seen_at = now(),
            missing_since = NULL, missing_lease = NULL
        WHERE runner = worker AND (is_held OR server_started_at IS NOT NULL);
    END IF;
END
$$;

-- Ends the leases of workers whose lock was seen and has been missing for 1.2 s, unless they have renewed their lease
-- meanwhile, or most are missing at once: then it is the network. Looks twice a second in each session at most. How many
-- are dead.
CREATE FUNCTION sides.miss_workers() RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment CONSTANT timestamptz := clock_timestamp();
    looked_at CONSTANT text := nullif(current_setting('sides.looked_at', true), '');
    locks bigint[];
    seen bigint;
    gone uuid[];
    dead integer;
BEGIN
    IF looked_at IS NOT NULL AND extract(epoch FROM moment) BETWEEN looked_at::numeric AND looked_at::numeric + 0.5 THEN
        RETURN 0;
    END IF;
    PERFORM set_config('sides.looked_at', extract(epoch FROM moment)::text, false);
    locks := sides.session_locks();
    SELECT count(*), coalesce(array_agg(id) FILTER (WHERE sides.runner_lock(id) <> ALL (locks)), '{}') INTO seen, gone
    FROM sides.runners JOIN sides.runner_sessions ON runner = id
    WHERE lease_until > moment AND (server_started_at = pg_postmaster_start_time()
        OR server_started_at IS NULL AND seen_at > moment - interval '10 seconds');
    IF cardinality(gone) * 2 > seen THEN
        gone := '{}';
    END IF;
    -- Whoever is back has its time again, and so has who renewed its lease.
    UPDATE sides.runner_sessions
    SET missing_since = CASE WHEN marked.is_gone THEN moment END, missing_lease = CASE WHEN marked.is_gone THEN marked.lease_until END
    FROM (
        SELECT runner AS id, lease_until, runner = ANY (gone) AS is_gone
        FROM sides.runner_sessions JOIN sides.runners ON runners.id = runner
        WHERE missing_since IS NOT NULL AND NOT runner = ANY (gone)
            OR runner = ANY (gone) AND (missing_since IS NULL OR missing_lease IS DISTINCT FROM lease_until)
        FOR UPDATE OF runner_sessions SKIP LOCKED
    ) AS marked
    WHERE runner = marked.id;
    IF cardinality(gone) = 0 THEN
        RETURN 0;
    END IF;
    WITH dead AS MATERIALIZED (
        SELECT runners.id FROM sides.runners JOIN sides.runner_sessions ON runner = runners.id
        WHERE runners.id = ANY (gone) AND server_started_at IS NOT NULL AND missing_since <= moment - interval '1.2 seconds'
            AND missing_lease = lease_until AND lease_until > moment
            AND sides.runner_lock(runners.id) <> ALL (sides.session_locks())
        FOR UPDATE OF runners SKIP LOCKED
    ), ended AS (
        UPDATE sides.runners SET lease_until = least(now(), lease_until), presumed_dead = least(presumed_dead, 2147483646) + 1
        WHERE id = ANY (ARRAY(SELECT id FROM dead))
        RETURNING id
    )
    SELECT count(*) INTO dead FROM ended;
    RETURN dead;
END
$$;

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
    is_renewed boolean;
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
    is_renewed := FOUND;
    IF is_renewed THEN
        PERFORM sides.show_session(worker);
    END IF;
    IF sides.miss_workers() > 0 OR is_renewed THEN
        PERFORM sides.rescue_jobs();
    END IF;
    IF is_renewed THEN
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
        PERFORM sides.show_session(worker);
        PERFORM sides.miss_workers();
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
    DELETE FROM sides.runner_sessions WHERE runner = worker;
    DELETE FROM sides.runners WHERE id = worker;
    RETURN given_back;
END
$$;

REVOKE EXECUTE ON FUNCTION sides.hold, sides.session_locks, sides.show_session, sides.miss_workers FROM PUBLIC;
