-- What people do to jobs, from `sides jobs` or psql. Each answers with the jobs that it did something to, and leaves a row
-- in sides.actions. They act as their owner, and nobody may call them but who is granted it.

CREATE FUNCTION sides.note_jobs(action text, jobs jsonb, count bigint, asked_by text, reason text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
INSERT INTO sides.actions (at, subject, action, asked_by, reason, measured, outcome)
SELECT now(), 'jobs', action,
    coalesce(asked_by, nullif(current_setting('application_name'), ''), session_user), coalesce(reason, 'by hand'),
    jobs || jsonb_build_object('count', count), 'done'
WHERE count > 0
$$;

-- Jobs that were given up or parked get all their attempts again, now.
CREATE FUNCTION sides.retry_jobs(jobs uuid[], asked_by text DEFAULT NULL, reason text DEFAULT NULL) RETURNS SETOF uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    done uuid[];
BEGIN
    WITH again AS (
        UPDATE sides.fang_tasks
        SET state = 'retried', attempt = 0, crashes = 0, parked_by = NULL, cancelled = NULL, scheduled_at = now(),
            updated_at = now()
        WHERE id = ANY (jobs) AND (state = 'failed' OR parked_by IS NOT NULL) RETURNING id
    )
    SELECT coalesce(array_agg(id ORDER BY id), '{}') INTO done FROM again;
    PERFORM sides.note_jobs('retry jobs', jsonb_build_object('jobs', done[:100]), cardinality(done), asked_by, reason);
    PERFORM pg_notify('sides_jobs', '') WHERE cardinality(done) > 0;
    RETURN QUERY SELECT unnest(done);
END
$$;

-- Parked jobs wait for a worker again, with the attempts that they have left.
CREATE FUNCTION sides.unpark_jobs(jobs uuid[], asked_by text DEFAULT NULL, reason text DEFAULT NULL) RETURNS SETOF uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    done uuid[];
BEGIN
    WITH released AS (
        UPDATE sides.fang_tasks SET parked_by = NULL, updated_at = now(), scheduled_at = least(scheduled_at, now())
        WHERE id = ANY (jobs) AND parked_by IS NOT NULL RETURNING id
    )
    SELECT coalesce(array_agg(id ORDER BY id), '{}') INTO done FROM released;
    PERFORM sides.note_jobs('unpark jobs', jsonb_build_object('jobs', done[:100]), cardinality(done), asked_by, reason);
    PERFORM pg_notify('sides_jobs', '') WHERE cardinality(done) > 0;
    RETURN QUERY SELECT unnest(done);
END
$$;

-- Ends jobs that do not run, with this outcome.
CREATE FUNCTION sides.end_jobs(jobs uuid[], outcome text, reason text) RETURNS SETOF uuid
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
WITH over AS (
    DELETE FROM sides.fang_tasks WHERE id = ANY (jobs) AND state <> 'in_progress' RETURNING *
), noted AS (
    INSERT INTO sides.job_history (id, kind, queue, outcome, attempt, error, enqueued_by, created_at, scheduled_at,
        duration_us, unique_key, tags, trace)
    SELECT id, kind, task_type, outcome, attempt, coalesce(reason, 'by hand'), enqueued_by, created_at, scheduled_at, 0,
        unique_key, tags, trace FROM over
)
SELECT id FROM over
$$;

-- Jobs that do not run and never shall are over.
CREATE FUNCTION sides.discard_jobs(jobs uuid[], asked_by text DEFAULT NULL, reason text DEFAULT NULL) RETURNS SETOF uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    done uuid[] := ARRAY(SELECT sides.end_jobs(jobs, 'discarded', reason));
BEGIN
    PERFORM sides.note_jobs('discard jobs', jsonb_build_object('jobs', done[:100]), cardinality(done), asked_by, reason);
    RETURN QUERY SELECT unnest(done);
END
$$;

-- Nobody wants these jobs any more: those that wait are over, those that run are told to stop.
CREATE FUNCTION sides.cancel_jobs(jobs uuid[], asked_by text DEFAULT NULL, reason text DEFAULT NULL) RETURNS SETOF uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told uuid[];
    done uuid[];
BEGIN
    -- Whether they run must not change before something is done about it.
    PERFORM FROM sides.fang_tasks WHERE id = ANY (jobs) ORDER BY id FOR UPDATE;
    WITH running AS (
        UPDATE sides.fang_tasks SET cancelled = coalesce(reason, 'by hand')
        WHERE id = ANY (jobs) AND state = 'in_progress' RETURNING id
    )
    SELECT coalesce(array_agg(id), '{}') INTO told FROM running;
    done := ARRAY(SELECT sides.end_jobs(jobs, 'cancelled', reason));
    PERFORM sides.note_jobs('cancel jobs', jsonb_build_object('jobs', (done || told)[:100]),
        cardinality(done || told), asked_by, reason);
    RETURN QUERY SELECT unnest(done || told);
END
$$;

-- Nothing of a queue or a kind starts until it is resumed. Answers whether that is new.
CREATE FUNCTION sides.pause_jobs(scope text, name text, asked_by text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    is_new boolean;
BEGIN
    INSERT INTO sides.job_rules AS rule (scope, name, paused) VALUES (pause_jobs.scope, pause_jobs.name, true)
    ON CONFLICT (scope, name) DO UPDATE SET paused = true WHERE NOT rule.paused;
    is_new := FOUND;
    PERFORM sides.note_jobs('pause jobs', jsonb_build_object(pause_jobs.scope, pause_jobs.name), is_new::int,
        pause_jobs.asked_by, pause_jobs.reason);
    RETURN is_new;
END
$$;

-- Ends a pause. Answers whether there was one.
CREATE FUNCTION sides.resume_jobs(scope text, name text, asked_by text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    was_paused boolean;
BEGIN
    UPDATE sides.job_rules AS rule SET paused = false
    WHERE rule.scope = resume_jobs.scope AND rule.name = resume_jobs.name AND rule.paused;
    was_paused := FOUND;
    PERFORM sides.note_jobs('resume jobs', jsonb_build_object(resume_jobs.scope, resume_jobs.name), was_paused::int,
        resume_jobs.asked_by, resume_jobs.reason);
    RETURN was_paused;
END
$$;

REVOKE EXECUTE ON FUNCTION sides.note_jobs, sides.retry_jobs, sides.unpark_jobs, sides.end_jobs, sides.discard_jobs,
    sides.cancel_jobs, sides.pause_jobs, sides.resume_jobs FROM PUBLIC;
