-- A killed worker's session ends with it, seconds before its lease does.

-- The advisory lock that a runner's session holds, shared, for as long as it lives.
CREATE FUNCTION sides.runner_lock(runner uuid) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashtextextended('sides runner ' || runner::text, 0);

-- Runners whose lock was held when they renewed their lease: only of these does a missing lock say anything. Locks end with
-- the server, and so must what is known of them: a server that starts again has another start, and one that crashed, or a
-- standby that took over, finds this table empty, since it is unlogged.
CREATE UNLOGGED TABLE sides.runner_sessions (
    runner uuid PRIMARY KEY,
    -- The start of the server that saw the lock; NULL when a renewal did not find it, until one does.
    server_started_at timestamptz,
    -- When the lock was last seen, or first not found.
    seen_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- How often its lease was ended early, as its session had ended. By this, one that lives finds out.
ALTER TABLE sides.runners ADD COLUMN presumed_dead integer NOT NULL DEFAULT 0;
