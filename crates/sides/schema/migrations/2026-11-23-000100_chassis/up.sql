-- What the chassis itself keeps: who runs, what is scheduled, what fired.
CREATE SCHEMA sides;

-- One row per running copy of a process. Updated every few seconds, so its hot columns stay unindexed
-- and the pages have room for HOT updates.
CREATE TABLE sides.instances (
    id uuid PRIMARY KEY,
    process text NOT NULL,
    release text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    ops_address text NOT NULL,
    public_address text,
    state text NOT NULL CHECK (state IN ('starting', 'ready', 'draining', 'stopped')),
    started_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- What each clock last said about each schedule: for people, not for firing.
CREATE TABLE sides.schedules (
    name text PRIMARY KEY,
    expression text NOT NULL,
    zone text NOT NULL,
    kind text NOT NULL,
    next_due_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- One row per due moment. The primary key is what makes a tick fire once, however many clocks run.
CREATE TABLE sides.ticks (
    schedule text NOT NULL,
    due_at timestamptz NOT NULL,
    fired_at timestamptz NOT NULL DEFAULT now(),
    fired_by uuid NOT NULL,
    -- Written before the commit: the tick comes first, then its job.
    job_id uuid,
    PRIMARY KEY (schedule, due_at)
);
CREATE INDEX ticks_due_at ON sides.ticks (due_at);
