//! Rows with every unusual value that Postgres can hold, in each of the application's tables. Tests of several programs
//! take this file in.

use diesel_async::SimpleAsyncConnection as _;

/// One sound row of each table: of a service that is there, or with one of its own.
const SOUND: &[(&str, &str)] = &[
    (
        "services",
        r##"{"id": 1000000#, "name": "odd #", "url": "http://127.0.0.1:1/#", "method": "GET", "interval_seconds": 60,
            "timeout_ms": 1000, "expected_status_min": 200, "expected_status_max": 299, "failures_before_incident": 2,
            "created_at": "NOW", "updated_at": "NOW"}"##,
    ),
    (
        "service_states",
        r##"{"service_id": 2000000#, "state": "up", "state_since": "NOW", "consecutive_failures": 0,
            "next_ping_at": "NOW", "last_ping_at": "NOW"}"##,
    ),
    (
        "pings",
        r##"{"service_id": SERVICE, "due_at": "NOW", "pinged_at": "NOW", "ok": true, "latency_ms": 1}"##,
    ),
    (
        "ping_hours",
        r##"{"service_id": SERVICE, "hour": "HOUR", "pings": 1, "failures": 0, "latency_ms_avg": 1,
            "latency_ms_p95": 1, "latency_ms_max": 1}"##,
    ),
    ("ping_days", r##"{"service_id": SERVICE, "day": "DAY", "pings": 1, "failures": 0}"##),
    (
        "incidents",
        r##"{"id": 1000000#, "service_id": SERVICE, "opened_at": "NOW", "closed_at": "NOW", "error_kind": "refused",
            "error": "odd"}"##,
    ),
    (
        "webhooks",
        r##"{"id": 1000000#, "url": "http://127.0.0.1:1/#", "secret": "s", "created_at": "NOW",
            "disabled_at": "NOW"}"##,
    ),
    (
        "webhook_deliveries",
        r##"{"id": 1000000#, "webhook_id": 2000000#, "incident_id": 1000000#, "transition": "opened",
            "created_at": "NOW"}"##,
    ),
];

/// What they refer to.
const REST: &str = "
    SET session_replication_role = replica;
    INSERT INTO services (id, name, url) OVERRIDING SYSTEM VALUE
        SELECT service_id, 'odd state of ' || service_id, 'http://127.0.0.1:1/' FROM service_states
        WHERE NOT EXISTS (SELECT FROM services WHERE id = service_id);
    INSERT INTO service_states (service_id)
        SELECT id FROM services WHERE NOT EXISTS (SELECT FROM service_states WHERE service_id = id);
    INSERT INTO webhooks (id, url, secret, disabled_at) OVERRIDING SYSTEM VALUE
        SELECT DISTINCT webhook_id, 'http://127.0.0.1:1/' || webhook_id, 's', now() FROM webhook_deliveries
        WHERE NOT EXISTS (SELECT FROM webhooks WHERE webhooks.id = webhook_id);
    SET session_replication_role = origin;";

/// Fills every table with them. Pings, figures and incidents are those of this service.
pub(crate) async fn fill_monitor_with_odd_rows(c: &mut database::Connection, service: i64) {
    let own = |(table, row): &(&'static str, &str)| (*table, row.replace("SERVICE", &service.to_string()));
    let sound: Vec<(&str, String)> = SOUND.iter().map(own).collect();
    let rows: Vec<(&str, &str)> = sound.iter().map(|(table, row)| (*table, row.as_str())).collect();
    testing::fill_schema_with_odd_rows(c, "public", &rows).await;
    c.batch_execute(REST).await.expect("what they refer to can be written");
}
