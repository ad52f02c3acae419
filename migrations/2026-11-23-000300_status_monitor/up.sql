-- The status monitor: what is watched, what was seen, what went wrong, who is told.

CREATE TABLE services (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    -- One of the application's own processes; where it answers is asked of sides.instances at each ping.
    process text UNIQUE,
    url text CHECK (char_length(url) <= 2000),
    method text NOT NULL DEFAULT 'GET' CHECK (method IN ('GET', 'HEAD', 'POST')),
    interval_seconds integer NOT NULL DEFAULT 60 CHECK (interval_seconds BETWEEN 5 AND 86400),
    timeout_ms integer NOT NULL DEFAULT 10000 CHECK (timeout_ms BETWEEN 100 AND 60000),
    expected_status_min smallint NOT NULL DEFAULT 200 CHECK (expected_status_min BETWEEN 100 AND 599),
    expected_status_max smallint NOT NULL DEFAULT 299 CHECK (expected_status_max BETWEEN 100 AND 599),
    expected_text text CHECK (char_length(expected_text) BETWEEN 1 AND 500),
    failures_before_incident smallint NOT NULL DEFAULT 2 CHECK (failures_before_incident BETWEEN 1 AND 100),
    paused_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT services_target CHECK ((process IS NULL) <> (url IS NULL)),
    CONSTRAINT services_expected_status CHECK (expected_status_min <= expected_status_max)
);

-- What the last pings said. Apart from services, so that a person's edit and a ping never wait for each
-- other; the row is made with its service.
CREATE TABLE service_states (
    service_id bigint PRIMARY KEY REFERENCES services (id) ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'unknown' CHECK (state IN ('unknown', 'up', 'down')),
    state_since timestamptz NOT NULL DEFAULT now(),
    consecutive_failures integer NOT NULL DEFAULT 0,
    next_ping_at timestamptz NOT NULL DEFAULT now(),
    last_ping_at timestamptz,
    last_latency_ms integer,
    last_error_kind text
) WITH (fillfactor = 70);
CREATE INDEX service_states_next_ping_at ON service_states (next_ping_at);

-- Raw pings, kept for 7 days. (service_id, due_at) names a ping: a job that runs twice stores it once.
CREATE TABLE pings (
    service_id bigint NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    due_at timestamptz NOT NULL,
    pinged_at timestamptz NOT NULL,
    ok boolean NOT NULL,
    latency_ms integer NOT NULL CHECK (latency_ms >= 0),
    status smallint,
    error_kind text,
    error text,
    PRIMARY KEY (service_id, due_at)
);
CREATE INDEX pings_due_at ON pings USING brin (due_at);

-- Hourly figures, kept for 13 months. The pages read these.
CREATE TABLE ping_hours (
    service_id bigint NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    hour timestamptz NOT NULL,
    pings integer NOT NULL,
    failures integer NOT NULL,
    latency_ms_avg integer NOT NULL,
    latency_ms_p95 integer NOT NULL,
    latency_ms_max integer NOT NULL,
    PRIMARY KEY (service_id, hour)
);
CREATE INDEX ping_hours_hour ON ping_hours (hour);

CREATE TABLE incidents (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service_id bigint NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    error_kind text NOT NULL,
    error text NOT NULL,
    CONSTRAINT incidents_order CHECK (closed_at IS NULL OR closed_at >= opened_at)
);
-- At most one open incident per service: opening twice is impossible, not just unlikely.
CREATE UNIQUE INDEX incidents_one_open ON incidents (service_id) WHERE closed_at IS NULL;
CREATE INDEX incidents_by_service ON incidents (service_id, opened_at DESC);

CREATE TABLE webhooks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url text NOT NULL CHECK (char_length(url) <= 2000),
    secret text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);

-- One row per webhook and transition: at most one notification each.
CREATE TABLE webhook_deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id bigint NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    incident_id bigint NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    transition text NOT NULL CHECK (transition IN ('opened', 'closed')),
    created_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    last_error text,
    CONSTRAINT webhook_deliveries_once UNIQUE (webhook_id, incident_id, transition)
);
CREATE INDEX webhook_deliveries_incident ON webhook_deliveries (incident_id);

-- The application watches itself from the first moment.
INSERT INTO services (name, process, interval_seconds, timeout_ms)
VALUES ('web', 'web', 10, 2000), ('worker', 'worker', 10, 2000), ('clock', 'clock', 10, 2000);
INSERT INTO service_states (service_id) SELECT id FROM services;
