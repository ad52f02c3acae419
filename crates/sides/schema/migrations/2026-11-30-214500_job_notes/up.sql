-- What a job says of itself: where it goes on, how far it is, what came of it. Only jobs that say something have a row.
CREATE TABLE sides.job_notes (
    job_id uuid PRIMARY KEY,
    -- Where the next attempt goes on.
    cursor jsonb,
    -- From 0 to 1, and a word with it.
    progress real CHECK (progress BETWEEN 0 AND 1),
    message text,
    result jsonb,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- Notes something of a job; what is NULL stays as it was. Answers false, and notes nothing, when the lease was lost: until
-- the caller's transaction has ended the job stays with this worker.
CREATE FUNCTION sides.note(
    worker uuid, job uuid, lease integer, cursor jsonb DEFAULT NULL, progress real DEFAULT NULL, message text DEFAULT NULL,
    result jsonb DEFAULT NULL
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM FROM sides.fang_tasks AS task
    WHERE task.id = note.job AND task.lease = note.lease AND task.owner = note.worker AND task.state = 'in_progress' FOR SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO sides.job_notes AS there (job_id, cursor, progress, message, result)
    VALUES (note.job, note.cursor, note.progress, note.message, note.result)
    ON CONFLICT (job_id) DO UPDATE SET updated_at = now(), cursor = coalesce(excluded.cursor, there.cursor),
        progress = coalesce(excluded.progress, there.progress), message = coalesce(excluded.message, there.message),
        result = coalesce(excluded.result, there.result);
    RETURN true;
END
$$;

-- What a job has noted; no row when nothing.
CREATE FUNCTION sides.noted(job uuid) RETURNS TABLE (cursor jsonb, progress real, message text, result jsonb) LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT note.cursor, note.progress, note.message, note.result FROM sides.job_notes AS note WHERE note.job_id = noted.job
$$;

REVOKE EXECUTE ON FUNCTION sides.note, sides.noted FROM PUBLIC;
