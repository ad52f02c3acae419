ALTER TABLE sides.fang_tasks RESET (
    autovacuum_vacuum_threshold, autovacuum_vacuum_scale_factor, autovacuum_vacuum_cost_delay
);
DROP TRIGGER fang_tasks_notify_of_past ON sides.fang_tasks;
DROP FUNCTION sides.notify_runners_of_past;
CREATE OR REPLACE FUNCTION sides.notify_runners() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY sides_jobs;
    RETURN NULL;
END
$$;
