-- What diesel's own tools read and write.
CREATE TABLE IF NOT EXISTS public.__diesel_schema_migrations (
    version varchar(50) PRIMARY KEY NOT NULL,
    run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- What diesel does not keep: the text that was applied, and every step on the way.
CREATE SCHEMA IF NOT EXISTS sides_migrate;

CREATE TABLE IF NOT EXISTS sides_migrate.applied (
    version text PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    up_sql text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text NOT NULL DEFAULT session_user
);

-- One row per statement. Without `finished_at` it runs, or its runner died: the next one looks what became of it.
CREATE TABLE IF NOT EXISTS sides_migrate.steps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('up', 'down')),
    -- The statement's place in its file, from 1.
    step integer NOT NULL,
    statement text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    duration_ms bigint,
    -- Times that a lock was not to be had.
    retries integer NOT NULL DEFAULT 0,
    -- The strongest lock that its transaction had on a relation of others' when it was done, and on which.
    lock_mode text,
    lock_relation text,
    -- From the first try to the moment it had its locks.
    waited_ms bigint NOT NULL DEFAULT 0,
    -- The longest time that another session was seen waiting for this one.
    others_waited_ms bigint NOT NULL DEFAULT 0,
    run_by text NOT NULL DEFAULT session_user
);

-- Ledgers of earlier releases have no such column.
ALTER TABLE sides_migrate.steps ADD COLUMN IF NOT EXISTS waited_ms bigint NOT NULL DEFAULT 0;

-- How far a backfill's statement has come. Written in the transaction of each batch, so that it is never ahead of the
-- rows and never behind them.
CREATE TABLE IF NOT EXISTS sides_migrate.backfills (
    step_id bigint PRIMARY KEY REFERENCES sides_migrate.steps ON DELETE CASCADE,
    migration text,
    -- The key of the last row that is done, each column as text.
    last_key text[],
    -- Rows looked at, rows changed, rows that there were at the start by Postgres' statistics.
    visited bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    estimated bigint,
    batches bigint NOT NULL DEFAULT 0,
    -- The last runner's beginning, for the rate.
    run_began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_began_with bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Set while somebody wants it to rest.
    paused_by text,
    -- Why it goes slowly.
    slow text
);

-- Rights on schema public that everyone had before it was closed, to be given back by the last down.
CREATE TABLE IF NOT EXISTS sides_migrate.taken_from_public (privilege text PRIMARY KEY);
