-- Wishes of processes for more copies, in whatever language: every clock hears of one at the commit.
CREATE TABLE sides.scale_requests (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    process text NOT NULL,
    reason text NOT NULL,
    evidence jsonb NOT NULL DEFAULT '{}',
    asked_by text NOT NULL DEFAULT coalesce(nullif(current_setting('application_name', true), ''), 'somebody'),
    -- Set once, by the clock that decided on it.
    decided_at timestamptz
);
CREATE INDEX scale_requests_open ON sides.scale_requests (process, id) WHERE decided_at IS NULL;

CREATE FUNCTION sides.notify_scaling() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY sides_scaling;
    RETURN NULL;
END
$$;
CREATE TRIGGER scale_requests_notify AFTER INSERT ON sides.scale_requests
    FOR EACH STATEMENT EXECUTE FUNCTION sides.notify_scaling();

-- How the memory of each release grows, as the clocks measure it: for people.
CREATE TABLE sides.memory_trends (
    process text NOT NULL,
    release text NOT NULL,
    -- Of its largest copy.
    resident_bytes bigint NOT NULL,
    -- The slope of the line through what was measured.
    bytes_per_hour double precision NOT NULL,
    samples integer NOT NULL,
    limit_bytes bigint,
    -- When the line reaches the limit.
    full_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (process, release)
);
