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
    -- Jobs of a limited queue or kind that share this key share a limit.
    limit_key text,
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

-- Jobs that are over, in partitions of a day: old ones are dropped, not deleted. What no day's partition takes
-- goes to the default one, so that nobody has to be in time.
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
) PARTITION BY RANGE (finished_at);
CREATE TABLE sides.job_history_default PARTITION OF sides.job_history DEFAULT;
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
) PARTITION BY RANGE (ended_at);
CREATE TABLE sides.job_attempts_default PARTITION OF sides.job_attempts DEFAULT;
CREATE INDEX job_attempts_job_id ON sides.job_attempts (job_id);

-- What is paused or limited. A job whose kind has limits is bound by those and not by its queue's; a pause of
-- either holds it.
CREATE TABLE sides.job_rules (
    scope text NOT NULL CHECK (scope IN ('queue', 'kind')),
    name text NOT NULL,
    paused boolean NOT NULL DEFAULT false,
    -- At most so many run at a time, wherever; and so many with the same limit_key.
    max_running integer CHECK (max_running > 0),
    max_per_key integer CHECK (max_per_key > 0),
    -- At most so many start in so many seconds.
    max_starts integer CHECK (max_starts > 0),
    per_seconds double precision NOT NULL DEFAULT 1 CHECK (per_seconds > 0),
    -- A bucket of starts that refills all the time.
    starts_left double precision,
    refilled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, name)
) WITH (fillfactor = 50);

CREATE FUNCTION sides.is_limited(sides.job_rules) RETURNS boolean LANGUAGE sql IMMUTABLE
    RETURN ($1.max_running IS NOT NULL OR $1.max_per_key IS NOT NULL OR $1.max_starts IS NOT NULL);

CREATE FUNCTION sides.notify_control() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY sides_control;
    RETURN NULL;
END
$$;
CREATE TRIGGER job_rules_notify
    AFTER INSERT OR DELETE OR UPDATE OF paused, max_running, max_per_key, max_starts, per_seconds ON sides.job_rules
    FOR EACH STATEMENT EXECUTE FUNCTION sides.notify_control();
CREATE TRIGGER fang_tasks_cancelled AFTER UPDATE OF cancelled ON sides.fang_tasks
    FOR EACH STATEMENT EXECUTE FUNCTION sides.notify_control();

-- Claims up to `wanted` jobs that have limits. The rule's row is the lock: whoever holds it counts what runs in a
-- snapshot of its own, which each statement here gets, so that two runners never count the same place twice.
CREATE FUNCTION sides.claim_limited(runner uuid, known text[], wanted integer)
    RETURNS SETOF sides.fang_tasks LANGUAGE plpgsql AS $$
DECLARE
    which record;
    rule sides.job_rules;
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
        places := least(wanted, rule.max_running - (
            SELECT count(*) FROM sides.fang_tasks WHERE state = 'in_progress'
                AND CASE WHEN rule.scope = 'kind' THEN kind ELSE task_type END = rule.name
        ));
        starts := least(rule.max_starts, coalesce(rule.starts_left, rule.max_starts)
            + rule.max_starts / rule.per_seconds * extract(epoch FROM clock_timestamp() - rule.refilled_at));
        places := least(places, floor(starts)::integer);
        CONTINUE WHEN places <= 0;
        ids := ARRAY(
            SELECT id FROM sides.fang_tasks
            WHERE state IN ('new', 'retried') AND parked_by IS NULL AND crashes < 2 AND scheduled_at <= now()
                AND kind = ANY (known)
                AND CASE WHEN rule.scope = 'kind' THEN kind = rule.name ELSE task_type = rule.name
                    AND kind <> ALL (ARRAY(
                        SELECT name FROM sides.job_rules
                        WHERE scope = 'kind' AND (paused OR sides.is_limited(job_rules))
                    )) END
                AND task_type <> ALL (ARRAY(SELECT name FROM sides.job_rules WHERE scope = 'queue' AND paused))
            ORDER BY priority, scheduled_at
            LIMIT CASE WHEN rule.max_per_key IS NULL THEN places ELSE greatest(5000, 10 * places) END
            FOR UPDATE SKIP LOCKED
        );
        IF rule.max_per_key IS NOT NULL THEN
            ids := ARRAY(
                SELECT id FROM (
                    SELECT id, limit_key, priority, scheduled_at,
                        row_number() OVER (PARTITION BY limit_key ORDER BY priority, scheduled_at) AS place
                    FROM sides.fang_tasks WHERE id = ANY (ids)
                ) AS ready
                LEFT JOIN (
                    SELECT limit_key, count(*) AS count FROM sides.fang_tasks
                    WHERE state = 'in_progress' AND limit_key IS NOT NULL
                        AND CASE WHEN rule.scope = 'kind' THEN kind ELSE task_type END = rule.name
                    GROUP BY limit_key
                ) AS running USING (limit_key)
                WHERE limit_key IS NULL OR place + coalesce(running.count, 0) <= rule.max_per_key
                ORDER BY priority, scheduled_at LIMIT places
            );
        END IF;
        RETURN QUERY UPDATE sides.fang_tasks
            SET state = 'in_progress', attempt = attempt + 1, lease = lease + 1, owner = runner,
                updated_at = now(), unique_key = CASE WHEN unique_waiting THEN NULL ELSE unique_key END
            WHERE id = ANY (ids) RETURNING *;
        GET DIAGNOSTICS claimed = ROW_COUNT;
        wanted := wanted - claimed;
        IF claimed > 0 THEN
            UPDATE sides.job_rules SET starts_left = starts - claimed, refilled_at = clock_timestamp()
            WHERE scope = rule.scope AND name = rule.name;
        END IF;
    END LOOP;
END
$$;

-- Makes the partitions of the coming days and drops those that are older than `keep`. As its owner, so that a
-- runner needs no right to change tables. Rather fails than holds up acknowledgements for long.
CREATE FUNCTION sides.keep_history(keep interval) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' SET timezone = 'UTC' AS $$
DECLARE
    parent text;
    at_column text;
    partition text;
    day timestamptz;
    dropped integer := 0;
BEGIN
    -- One at a time; who comes second has nothing left to do.
    IF NOT pg_try_advisory_xact_lock(hashtext('sides.keep_history')) THEN
        RETURN 0;
    END IF;
    FOR parent, at_column IN VALUES ('job_history', 'finished_at'), ('job_attempts', 'ended_at') LOOP
        FOR day IN SELECT generate_series(date_trunc('day', now()), now() + interval '3 days', '1 day') LOOP
            partition := parent || to_char(day, '_YYYYMMDD');
            CONTINUE WHEN to_regclass('sides.' || partition) IS NOT NULL;
            -- Attached, not created in place: that would wait for every writer. A day of which the default
            -- partition has rows already stays there: moving them would hide them from who reads just now.
            BEGIN
                EXECUTE format('CREATE TABLE sides.%I (LIKE sides.%I INCLUDING DEFAULTS)', partition, parent);
                EXECUTE format(
                    'ALTER TABLE sides.%I ATTACH PARTITION sides.%I FOR VALUES FROM (%L) TO (%L)',
                    parent, partition, day, day + interval '1 day'
                );
            EXCEPTION WHEN check_violation THEN
                NULL;
            END;
        END LOOP;
        FOR partition IN
            SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
            WHERE inhparent = ('sides.' || parent)::regclass AND relname ~ '_\d{8}$'
              AND to_date(right(relname, 8), 'YYYYMMDD') + 1 <= now() - keep
        LOOP
            EXECUTE format('DROP TABLE sides.%I', partition);
            dropped := dropped + 1;
        END LOOP;
        EXECUTE format('DELETE FROM sides.%I WHERE %I < now() - $1', parent || '_default', at_column) USING keep;
    END LOOP;
    RETURN dropped;
END
$$;

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
