-- Schedules that people add, pause and fire while the clocks run, beside those in the clock's code.
ALTER TABLE sides.schedules ADD COLUMN missed text NOT NULL DEFAULT 'latest';
ALTER TABLE sides.schedules ADD COLUMN overlap text NOT NULL DEFAULT 'merge';

-- Set when a person asked for this tick; then due_at is when.
ALTER TABLE sides.ticks ADD COLUMN asked_by text;

-- Expression, zone and policies are kept as they are typed; what does not parse is shown and never fires.
CREATE TABLE sides.stored_schedules (
    name text PRIMARY KEY,
    expression text NOT NULL,
    zone text NOT NULL,
    kind text NOT NULL,
    arguments jsonb NOT NULL CHECK (jsonb_typeof(arguments) = 'object'),
    missed text NOT NULL,
    overlap text NOT NULL,
    -- Nothing before this moment was ever due.
    since timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL
);

-- A row stays when the pause ends: what was due within it is not made up for by a clock that starts later.
CREATE TABLE sides.schedule_pauses (
    schedule text PRIMARY KEY,
    paused_at timestamptz NOT NULL DEFAULT now(),
    paused_by text NOT NULL,
    resumed_at timestamptz,
    resumed_by text
);

-- Wishes to fire now. A clock deletes the row in the transaction that writes its tick and its job.
CREATE TABLE sides.schedule_runs (
    schedule text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    asked_by text NOT NULL,
    PRIMARY KEY (schedule, asked_at)
);

-- Whoever changes something, by whatever means: all clocks hear of it at the commit.
CREATE FUNCTION sides.notify_clocks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY sides_schedules;
    RETURN NULL;
END
$$;
CREATE TRIGGER stored_schedules_notify AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON sides.stored_schedules
    FOR EACH STATEMENT EXECUTE FUNCTION sides.notify_clocks();
CREATE TRIGGER schedule_pauses_notify AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON sides.schedule_pauses
    FOR EACH STATEMENT EXECUTE FUNCTION sides.notify_clocks();
CREATE TRIGGER schedule_runs_notify AFTER INSERT ON sides.schedule_runs
    FOR EACH STATEMENT EXECUTE FUNCTION sides.notify_clocks();
