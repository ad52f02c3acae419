-- Claims go on where the last one ended. What is committed behind that place says from when on it is due: the moment at
-- which its transaction began, or the time that its enqueuer gave it. In microseconds since 1970; a notification without any
-- speaks of any job at all. Runners of before look at everything and do not read it.
CREATE OR REPLACE FUNCTION sides.notify_runners() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('sides_jobs', (extract(epoch FROM now()) * 1000000)::bigint::text);
    RETURN NULL;
END
$$;

-- Times in the past have a notification of their own.
CREATE FUNCTION sides.notify_runners_of_past() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('sides_jobs', CASE WHEN isfinite(NEW.scheduled_at)
        THEN (extract(epoch FROM NEW.scheduled_at) * 1000000)::bigint::text ELSE '' END);
    RETURN NULL;
END
$$;
CREATE TRIGGER fang_tasks_notify_of_past AFTER INSERT ON sides.fang_tasks FOR EACH ROW
    WHEN (NEW.scheduled_at < now()) EXECUTE FUNCTION sides.notify_runners_of_past();

-- Each job leaves two dead rows. Runners vacuum the table themselves where they may; where they may not, autovacuum does it
-- whenever it comes by, as fast as it can.
ALTER TABLE sides.fang_tasks SET (
    autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0
);
