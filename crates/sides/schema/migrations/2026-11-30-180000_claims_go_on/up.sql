-- Claims of workers in other languages, claims of what has limits, and looks for jobs of the dead: what they cost must not
-- grow with what has passed. Each looks through everything as long as that is short. Where it walks over more than a
-- thousand entries of an index for nothing, it notes how far it came; the next ones go on there, and everything is looked
-- through again at most a twentieth of the time.

-- What was noted, newest last. A row that is updated again and again would be as long as a snapshot that somebody holds:
-- so each note is a row of its own, and the last one is the first that a walk from the index's end meets. Only a hint, so
-- it may be lost with the server.
CREATE UNLOGGED TABLE sides.claim_places (
    -- Whose: the hash of some kinds, or of a rule.
    place bigint NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp() CHECK (isfinite(noted_at)),
    -- When everything was last looked through, and how long that took.
    looked_at timestamptz NOT NULL CHECK (isfinite(looked_at)),
    took interval NOT NULL CHECK (took BETWEEN '0' AND '1 day'),
    -- The rules of that time: another pause or limit means another look.
    rules bigint,
    -- In each priority, where the next claim begins.
    priorities smallint[] NOT NULL DEFAULT '{}',
    due timestamptz[] NOT NULL DEFAULT '{}',
    ids uuid[] NOT NULL DEFAULT '{}',
    -- Of a rule with limits, the jobs that run under it.
    running uuid[] NOT NULL DEFAULT '{}',
    CHECK (cardinality(priorities) = cardinality(due) AND cardinality(due) = cardinality(ids))
);
CREATE INDEX claim_places_newest ON sides.claim_places (place, noted_at);

-- The last note of a place that holds: a role of an older build may not read them and does without.
CREATE FUNCTION sides.noted_place(wanted_place bigint) RETURNS sides.claim_places LANGUAGE plpgsql AS $$
DECLARE
    noted sides.claim_places;
BEGIN
    IF has_table_privilege('sides.claim_places', 'SELECT') AND has_table_privilege('sides.claim_places', 'INSERT') THEN
        SELECT * INTO noted FROM sides.claim_places WHERE place = wanted_place ORDER BY noted_at DESC LIMIT 1;
        IF FOUND THEN
            RETURN noted;
        END IF;
    END IF;
    RETURN NULL;
END
$$;

-- Whether it was noted.
CREATE FUNCTION sides.note_place(noted sides.claim_places) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF has_table_privilege('sides.claim_places', 'SELECT') AND has_table_privilege('sides.claim_places', 'INSERT') THEN
        INSERT INTO sides.claim_places (place, looked_at, took, rules, priorities, due, ids, running)
        VALUES (noted.place, noted.looked_at, noted.took, noted.rules, noted.priorities, noted.due, noted.ids, noted.running);
        IF has_table_privilege('sides.claim_places', 'DELETE') AND random() < 0.02 THEN
            DELETE FROM sides.claim_places
            WHERE noted_at < now() - CASE place WHEN noted.place THEN interval '1 minute' ELSE interval '1 day' END;
        END IF;
        RETURN true;
    END IF;
    RETURN false;
END
$$;

-- Whether everything is to be looked through, by what was noted. One at a time does; the others go on meanwhile, unless that
-- one does not come to an end.
CREATE FUNCTION sides.looks_through_all(noted sides.claim_places, current_rules bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    since interval := clock_timestamp() - noted.looked_at;
BEGIN
    RETURN noted.looked_at IS NULL OR noted.rules IS DISTINCT FROM current_rules OR since < '0'
        OR since > 20 * noted.took + interval '30 seconds'
        OR since > 20 * noted.took
            AND pg_try_advisory_xact_lock(hashtextextended('sides claim place ' || noted.place, 0));
END
$$;

-- How many entries of an index this transaction has walked over so far, be they of rows that live or not.
CREATE FUNCTION sides.walked(index text) RETURNS bigint LANGUAGE sql
    RETURN coalesce(pg_stat_get_xact_tuples_returned(to_regclass(index)), 0);

-- Locks the first `wanted` jobs that may start: of these kinds, in the queue of a rule for one, or of the kind of another. A
-- walk begins where the last one of the same place ended. Of those whose key is at its limit some stay, so that there the
-- next one begins with the first that was found.
CREATE FUNCTION sides.lock_ready(known text[], wanted integer, rule sides.job_rules, stay boolean)
    RETURNS uuid[] LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_nestloop = off
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    place_of CONSTANT bigint := hashtextextended(concat_ws(' ', 'claim', rule.scope, rule.name,
        (SELECT string_agg(quote_literal(kind), ',' ORDER BY kind) FROM unnest(known) AS kind)), 0);
    rules CONSTANT bigint := (SELECT hashtextextended(coalesce(string_agg(
            concat_ws(' ', scope, quote_ident(name), paused, sides.is_limited(job_rules)), ',' ORDER BY scope, name), ''), 0)
        FROM sides.job_rules);
    kinds CONSTANT text[] := CASE rule.scope WHEN 'kind' THEN ARRAY[rule.name] ELSE known END;
    queue CONSTANT text := CASE rule.scope WHEN 'queue' THEN rule.name END;
    without_kinds text[] := '{}';
    without_queues text[] := '{}';
    noted sides.claim_places := sides.noted_place(place_of);
    all_of_it CONSTANT boolean := sides.looks_through_all(noted, rules);
    lowest integer[] := '{-32768}';
    highest integer[] := '{32767}';
    from_due timestamptz[] := '{-infinity}';
    from_id uuid[] := ARRAY[NULL::uuid];
    began CONSTANT timestamptz := clock_timestamp();
    earlier CONSTANT bigint := sides.walked('sides.fang_tasks_in_order');
    passed bigint;
    priorities smallint[];
    due timestamptz[];
    ids uuid[];
BEGIN
    IF rule.scope IS DISTINCT FROM 'kind' THEN
        without_kinds := ARRAY(SELECT name FROM sides.job_rules
            WHERE scope = 'kind' AND (paused OR sides.is_limited(job_rules)));
    END IF;
    IF rule.scope IS DISTINCT FROM 'queue' THEN
        without_queues := ARRAY(SELECT name FROM sides.job_rules
            WHERE scope = 'queue' AND (paused OR rule.scope IS NULL AND sides.is_limited(job_rules)));
    END IF;
    IF NOT all_of_it AND cardinality(noted.priorities) > 0 THEN
        -- In each known priority from its place on, and all that is between two of them.
        SELECT array_agg(part.lowest ORDER BY part.lowest), array_agg(part.highest ORDER BY part.lowest),
            array_agg(part.due ORDER BY part.lowest), array_agg(part.id ORDER BY part.lowest)
        INTO lowest, highest, from_due, from_id
        FROM (
            SELECT priority::integer AS lowest, priority::integer AS highest, level.due, level.id
            FROM unnest(noted.priorities, noted.due, noted.ids) AS level (priority, due, id)
            UNION ALL
            SELECT lag(priority, 1, -32769) OVER (ORDER BY priority) + 1, priority - 1, '-infinity', NULL
            FROM (SELECT unnest(noted.priorities)::integer UNION ALL SELECT 32768) AS level (priority)
        ) AS part
        WHERE part.lowest <= part.highest;
    END IF;
    SELECT array_agg(found.priority), array_agg(found.scheduled_at), array_agg(found.id) INTO priorities, due, ids
    FROM (
        SELECT found.*
        FROM unnest(lowest, highest, from_due, from_id) AS part (lowest, highest, due, id), LATERAL (
            SELECT * FROM (
                SELECT task.priority, task.scheduled_at, task.id FROM sides.fang_tasks AS task
                WHERE task.state IN ('new', 'retried') AND task.parked_by IS NULL AND task.crashes < 2
                    AND task.kind = ANY (kinds) AND task.kind <> ALL (without_kinds)
                    AND task.task_type <> ALL (without_queues) AND (queue IS NULL OR task.task_type = queue)
                    AND part.id IS NOT NULL AND task.priority = part.lowest
                    AND (task.scheduled_at, task.id) >= (part.due, part.id) AND task.scheduled_at <= now()
                ORDER BY task.priority, task.scheduled_at, task.id LIMIT wanted FOR UPDATE SKIP LOCKED
            ) AS onward UNION ALL SELECT * FROM (
                SELECT task.priority, task.scheduled_at, task.id FROM sides.fang_tasks AS task
                WHERE task.state IN ('new', 'retried') AND task.parked_by IS NULL AND task.crashes < 2
                    AND task.kind = ANY (kinds) AND task.kind <> ALL (without_kinds)
                    AND task.task_type <> ALL (without_queues) AND (queue IS NULL OR task.task_type = queue)
                    AND part.id IS NULL AND task.priority >= part.lowest AND task.priority <= part.highest
                    AND task.scheduled_at <= now()
                ORDER BY task.priority, task.scheduled_at, task.id LIMIT wanted FOR UPDATE SKIP LOCKED
            ) AS apart
        ) AS found LIMIT wanted
    ) AS found;
    ids := coalesce(ids, '{}');
    passed := sides.walked('sides.fang_tasks_in_order') - earlier - cardinality(ids);
    IF passed <= (CASE WHEN all_of_it THEN 1000 ELSE 200 END) THEN
        RETURN ids;
    END IF;
    IF all_of_it THEN
        -- Other priorities that have jobs, of whatever kind: their ends are walked over as well.
        WITH RECURSIVE level (priority, number) AS (
            SELECT -32769, 0
            UNION ALL
            SELECT (SELECT task.priority FROM sides.fang_tasks AS task
                WHERE task.state IN ('new', 'retried') AND task.parked_by IS NULL AND task.crashes < 2
                    AND task.priority > level.priority
                ORDER BY task.priority, task.scheduled_at, task.id LIMIT 1), number + 1
            FROM level WHERE level.priority IS NOT NULL AND number < 65
        )
        SELECT array_agg(level.priority), array_agg('-infinity'::timestamptz), array_agg('00000000-0000-0000-0000-000000000000'::uuid)
        INTO noted.priorities, noted.due, noted.ids
        FROM (SELECT 0 UNION SELECT level.priority FROM level WHERE level.priority > -32769) AS level (priority);
        noted.looked_at := clock_timestamp();
        noted.took := least(greatest(clock_timestamp() - began, '0'), '1 day');
    END IF;
    -- Where the next claim begins: behind what was found, and where nothing is left shortly before now, as who began earlier
    -- may commit later.
    SELECT array_agg(level.priority), array_agg(level.due), array_agg(level.id)
    INTO noted.priorities, noted.due, noted.ids
    FROM (
        WITH found AS (
            SELECT DISTINCT ON (job.priority) job.priority, job.due, job.id
            FROM unnest(priorities, due, ids) WITH ORDINALITY AS job (priority, due, id, number)
            ORDER BY job.priority, CASE WHEN stay THEN job.number ELSE -job.number END
        ), known_ones AS (
            SELECT level.priority, level.due, level.id
            FROM unnest(noted.priorities, noted.due, noted.ids) AS level (priority, due, id)
            UNION ALL SELECT found.priority, found.due, found.id FROM found
        )
        SELECT DISTINCT ON (place.priority) place.priority, place.due, place.id
        FROM (
            SELECT * FROM known_ones
            UNION ALL SELECT known_ones.priority, now() - interval '100 milliseconds', '00000000-0000-0000-0000-000000000000'
            FROM known_ones
            WHERE cardinality(ids) < wanted AND NOT (stay AND known_ones.priority IN (SELECT found.priority FROM found))
        ) AS place
        ORDER BY place.priority, place.due DESC, place.id DESC
    ) AS level;
    IF cardinality(noted.priorities) <= 64 THEN
        noted.place := place_of;
        noted.rules := rules;
        noted.running := '{}';
        PERFORM sides.note_place(noted);
    END IF;
    RETURN ids;
END
$$;

-- The jobs that run under a rule. Whoever asks holds the rule's row, and so nobody else claims under it: they are those that
-- ran before, as far as they still do. Once in a while all that runs is looked through, for what came by another way.
CREATE FUNCTION sides.running_under(rule sides.job_rules) RETURNS sides.claim_places LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    place_of CONSTANT bigint := hashtextextended(concat_ws(' ', 'running', rule.scope, rule.name), 0);
    noted sides.claim_places := sides.noted_place(place_of);
    began CONSTANT timestamptz := clock_timestamp();
    earlier CONSTANT bigint := sides.walked('sides.fang_tasks_in_progress');
BEGIN
    -- Who may not note what it claims says so in the rule, and then the note does not hold.
    IF noted.noted_at > rule.refilled_at AND NOT sides.looks_through_all(noted, NULL) THEN
        noted.running := ARRAY(
            SELECT task.id FROM sides.fang_tasks AS task WHERE task.id = ANY (noted.running) AND task.state = 'in_progress');
        RETURN noted;
    END IF;
    noted := NULL;
    noted.running := ARRAY(
        SELECT task.id FROM sides.fang_tasks AS task
        WHERE task.state = 'in_progress' AND CASE rule.scope WHEN 'kind' THEN task.kind ELSE task.task_type END = rule.name);
    IF sides.walked('sides.fang_tasks_in_progress') - earlier - cardinality(noted.running) > 1000
        AND cardinality(noted.running) < 2000 THEN
        noted.place := place_of;
        noted.looked_at := clock_timestamp();
        noted.took := least(greatest(clock_timestamp() - began, '0'), '1 day');
        noted.priorities := '{}';
        noted.due := '{}';
        noted.ids := '{}';
    END IF;
    RETURN noted;
END
$$;

CREATE OR REPLACE FUNCTION sides.claim_limited(runner uuid, known text[], wanted integer)
    RETURNS SETOF sides.fang_tasks LANGUAGE plpgsql AS $$
DECLARE
    which record;
    rule sides.job_rules;
    under sides.claim_places;
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
        under := NULL;
        IF rule.max_running IS NOT NULL OR rule.max_per_key IS NOT NULL THEN
            under := sides.running_under(rule);
        END IF;
        places := least(wanted, rule.max_running - cardinality(under.running));
        -- No rule, however it was written, may end the claim of all: neither an infinite time nor a vanishing rate.
        starts := CASE WHEN rule.max_starts IS NOT NULL THEN
            least(rule.max_starts, greatest(0, coalesce(rule.starts_left, rule.max_starts)
                + rule.max_starts / greatest(rule.per_seconds, 0.000001)
                    * CASE WHEN isfinite(rule.refilled_at)
                        THEN extract(epoch FROM clock_timestamp() - rule.refilled_at)::float8 ELSE 0 END)) END;
        places := least(places, floor(starts)::integer);
        ids := '{}';
        IF places > 0 THEN
            ids := sides.lock_ready(known,
                CASE WHEN rule.max_per_key IS NULL THEN places ELSE greatest(5000, 10 * places) END,
                rule, rule.max_per_key IS NOT NULL);
        END IF;
        IF rule.max_per_key IS NOT NULL AND cardinality(ids) > 0 THEN
            ids := ARRAY(
                SELECT id FROM (
                    SELECT id, limit_key, priority, scheduled_at,
                        row_number() OVER (PARTITION BY limit_key ORDER BY priority, scheduled_at) AS place
                    FROM sides.fang_tasks WHERE id = ANY (ids)
                ) AS ready
                LEFT JOIN (
                    SELECT limit_key, count(*) AS count FROM sides.fang_tasks
                    WHERE id = ANY (under.running) AND limit_key IS NOT NULL
                    GROUP BY limit_key
                ) AS running USING (limit_key)
                WHERE limit_key IS NULL OR place + coalesce(running.count, 0) <= rule.max_per_key
                ORDER BY priority, scheduled_at LIMIT places
            );
        END IF;
        claimed := 0;
        IF cardinality(ids) > 0 THEN
            RETURN QUERY UPDATE sides.fang_tasks
                SET state = 'in_progress', attempt = least(attempt, 32766) + 1, lease = lease % 2147483647 + 1, owner = runner,
                    updated_at = now(), unique_key = CASE WHEN unique_waiting THEN NULL ELSE unique_key END
                WHERE id = ANY (ids) RETURNING *;
            GET DIAGNOSTICS claimed = ROW_COUNT;
            wanted := wanted - claimed;
        END IF;
        IF claimed > 0 AND (rule.max_starts IS NOT NULL OR under.place IS NULL) THEN
            UPDATE sides.job_rules SET starts_left = starts - claimed, refilled_at = clock_timestamp()
            WHERE scope = rule.scope AND name = rule.name;
        END IF;
        -- Until everything is looked through again, the note says what runs.
        IF under.place IS NOT NULL AND (claimed > 0 OR under.noted_at IS NULL) THEN
            under.running := under.running || ids;
            IF NOT sides.note_place(under) AND claimed > 0 THEN
                UPDATE sides.job_rules SET refilled_at = clock_timestamp() WHERE scope = rule.scope AND name = rule.name;
            END IF;
        END IF;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION sides.rescue_jobs() RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    noted sides.claim_places := sides.noted_place(hashtextextended('rescue', 0));
    began CONSTANT timestamptz := clock_timestamp();
    earlier CONSTANT bigint := sides.walked('sides.fang_tasks_in_progress');
    rescued integer;
BEGIN
    -- A lease that has run out since is looked after at once.
    IF NOT EXISTS (SELECT FROM sides.runners WHERE lease_until <= now() AND lease_until > noted.looked_at)
        AND NOT sides.looks_through_all(noted, NULL) THEN
        RETURN 0;
    END IF;
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
    SELECT count(*) INTO rescued FROM rescued;
    IF sides.walked('sides.fang_tasks_in_progress') - earlier > 1000 THEN
        PERFORM sides.note_place(ROW(hashtextextended('rescue', 0), NULL, began, least(greatest(clock_timestamp() - began, '0'), '1 day'), NULL,
            '{}'::smallint[], '{}'::timestamptz[], '{}'::uuid[], '{}'::uuid[]));
    END IF;
    -- Their place is behind where claims go on.
    IF rescued > 0 THEN
        DELETE FROM sides.claim_places;
        PERFORM pg_notify('sides_jobs', '');
    END IF;
    RETURN rescued;
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
