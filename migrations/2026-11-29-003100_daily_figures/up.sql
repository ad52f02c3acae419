-- Daily sums of the hourly figures, kept as long as those. The pages read these: 90 days are 90 rows a service.
-- The roll-up writes them, oldest day first; days behind the newest one here are summed from the hours.
CREATE TABLE ping_days (
    service_id bigint NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    day date NOT NULL,
    pings integer NOT NULL,
    failures integer NOT NULL,
    PRIMARY KEY (service_id, day)
);
CREATE INDEX ping_days_day ON ping_days (day);
