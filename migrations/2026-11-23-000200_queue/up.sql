-- The job queue. The first ten columns of fang_tasks are those of fang 0.11, with its names, types and
-- defaults, so that an application on stock fang works here unchanged with search_path = sides, public.
CREATE TYPE sides.fang_task_state AS ENUM ('new', 'in_progress', 'failed', 'finished', 'retried');

CREATE TABLE sides.fang_tasks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- {"type": kind, …arguments}: what typetag writes for fang's own jobs.
    metadata jsonb NOT NULL,
    error_message text,
    state sides.fang_task_state NOT NULL DEFAULT 'new',
    -- The queue the job waits in.
    task_type text NOT NULL DEFAULT 'common',
    uniq_hash text,
    -- Failed attempts so far, as fang counts them. `attempt` counts starts.
    retries integer NOT NULL DEFAULT 0,
    scheduled_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- From here on ours; each has a default, so stock fang need not know them.
    kind text GENERATED ALWAYS AS (coalesce(metadata ->> 'type', '')) STORED,
    version smallint NOT NULL DEFAULT 1,
    priority smallint NOT NULL DEFAULT 0,
    attempt smallint NOT NULL DEFAULT 0,
    -- Attempts that ended because their runner died.
    crashes smallint NOT NULL DEFAULT 0,
    -- The runner that holds the job while it is in progress.
    owner uuid,
    -- Claims so far, never taken back: with the owner it is the fencing token. `attempt` would not do, as an
    -- attempt that was given back has the same number again.
    lease integer NOT NULL DEFAULT 0,
    -- Set while the arguments cannot be read: the release that said so. The reason is in error_message.
    parked_by text,
    -- At most one job of a kind with this key; free again when the job is over, or when it starts if
    -- unique_waiting.
    unique_key text,
    unique_waiting boolean NOT NULL DEFAULT false,
    -- A running job that should stop as soon as it can, and the reason.
    cancelled text,
    tags text[],
    -- The W3C traceparent of whoever enqueued it.
    trace text,
    -- Process and release, in whatever language: sessions of this system carry them as their name.
    enqueued_by text DEFAULT nullif(current_setting('application_name', true), '')
);

-- What a claim walks: only jobs that may start, in the order in which they should.
CREATE INDEX fang_tasks_ready ON sides.fang_tasks (priority, scheduled_at)
    WHERE state IN ('new', 'retried') AND parked_by IS NULL AND crashes < 2;
-- Jobs that two runners have died with: claimed one at a time. Nearly always empty.
CREATE INDEX fang_tasks_suspect ON sides.fang_tasks (scheduled_at)
    WHERE state IN ('new', 'retried') AND parked_by IS NULL AND crashes >= 2;
-- What a rescue walks: only jobs that run.
CREATE INDEX fang_tasks_in_progress ON sides.fang_tasks (id) WHERE state = 'in_progress';
CREATE INDEX fang_tasks_parked ON sides.fang_tasks (id) WHERE parked_by IS NOT NULL;
CREATE UNIQUE INDEX fang_tasks_unique_key ON sides.fang_tasks (kind, unique_key) WHERE unique_key IS NOT NULL;
-- For fang's own uniqueness check.
CREATE INDEX fang_tasks_uniq_hash ON sides.fang_tasks (uniq_hash) WHERE uniq_hash IS NOT NULL;

-- One row per running runner: its lease covers every job it holds. Updated every few seconds.
CREATE TABLE sides.runners (
    id uuid PRIMARY KEY,
    instance uuid NOT NULL,
    release text NOT NULL,
    kinds text[] NOT NULL,
    concurrency integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Jobs that are over.
CREATE TABLE sides.job_history (
    id uuid NOT NULL,
    kind text NOT NULL,
    queue text NOT NULL,
    outcome text NOT NULL,
    attempt smallint NOT NULL,
    error text,
    enqueued_by text,
    owner uuid,
    created_at timestamptz NOT NULL,
    scheduled_at timestamptz NOT NULL,
    claimed_at timestamptz,
    duration_us bigint NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(),
    -- The release that ran the last attempt.
    release text,
    unique_key text,
    tags text[],
    trace text
);
CREATE INDEX job_history_id ON sides.job_history (id);
CREATE INDEX job_history_unique_key ON sides.job_history (kind, unique_key) WHERE unique_key IS NOT NULL;

-- Attempts that did not end their job: failed, parked, snoozed or lost with their runner.
CREATE TABLE sides.job_attempts (
    job_id uuid NOT NULL,
    attempt smallint NOT NULL,
    outcome text NOT NULL,
    error text,
    release text,
    owner uuid,
    claimed_at timestamptz,
    duration_us bigint,
    ended_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX job_attempts_job_id ON sides.job_attempts (job_id);

-- Whoever inserts, in whatever language: runners that wait wake up at the commit. One notification per
-- transaction, however many statements.
CREATE FUNCTION sides.notify_runners() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY sides_jobs;
    RETURN NULL;
END
$$;
CREATE TRIGGER fang_tasks_notify AFTER INSERT ON sides.fang_tasks
    FOR EACH STATEMENT EXECUTE FUNCTION sides.notify_runners();
