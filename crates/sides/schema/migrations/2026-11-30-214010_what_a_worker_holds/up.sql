-- What a worker holds is found by the worker. And nothing here is worth compiling: a plan that may not scan a table counts as
-- dear, and compiling it took a hundred times as long as running it.

CREATE OR REPLACE FUNCTION sides.running_under(rule sides.job_rules) RETURNS sides.claim_places LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    place_of CONSTANT bigint := hashtextextended(concat_ws(' ', 'running', rule.scope, rule.name), 0);
    noted sides.claim_places := sides.noted_place(place_of);
    began CONSTANT timestamptz := clock_timestamp();
    earlier CONSTANT bigint := sides.walked('sides.fang_tasks_held');
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
    IF sides.walked('sides.fang_tasks_held') - earlier - cardinality(noted.running) > 1000
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

CREATE OR REPLACE FUNCTION sides.rescue_jobs() RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    noted sides.claim_places := sides.noted_place(hashtextextended('rescue', 0));
    began CONSTANT timestamptz := clock_timestamp();
    earlier CONSTANT bigint := sides.walked('sides.fang_tasks_held');
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
    IF sides.walked('sides.fang_tasks_held') - earlier > 1000 THEN
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

ALTER FUNCTION sides.extend SET jit = off;
ALTER FUNCTION sides.leave SET jit = off;
ALTER FUNCTION sides.miss_workers SET jit = off;
ALTER FUNCTION sides.show_session SET jit = off;
