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
    -- The runner that holds the job while it is in progress. With `attempt` it is the fencing token.
    owner uuid,
    -- Set while the arguments cannot be read: the release that said so. The reason is in error_message.
    parked_by text,
    unique_key text,
    enqueued_by text
);

-- What a claim walks: only jobs that may start, in the order in which they should.
CREATE INDEX fang_tasks_ready ON sides.fang_tasks (priority, scheduled_at)
    WHERE state IN ('new', 'retried') AND parked_by IS NULL;
-- What a rescue looks up: only jobs that run.
CREATE INDEX fang_tasks_owner ON sides.fang_tasks (owner) WHERE state = 'in_progress';
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
    claimed_at timestamptz NOT NULL,
    duration_us bigint NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now()
);

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
