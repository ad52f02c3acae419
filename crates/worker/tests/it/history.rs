//! Raw pings become hours, hours stay, old ones go.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use jobs::{PruneHistory, RollUpPings};
use models::{Ping, PingHour, Service, reads::latency};

use crate::fixture::{Monitor, moment};

fn this_hour() -> DateTime<Utc> {
    Utc::now().duration_trunc(TimeDelta::hours(1)).unwrap()
}

/// Runs a job to its end.
async fn run<J: job::Job>(monitor: &mut Monitor, job: &J) {
    let over = "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'";
    let before = monitor.number(over).await;
    queue::enqueue(&mut monitor.c, job).await.unwrap();
    let worker = monitor.start_worker();
    monitor.until(&format!("SELECT ({over}) = {}", before + 1)).await;
    worker.stop().await;
}

/// Stores pings one minute apart, from the first minute of an hour on; every tenth fails.
async fn store(monitor: &mut Monitor, service: &Service, hour: DateTime<Utc>, count: i32) {
    monitor
        .run(&format!(
            "INSERT INTO pings (service_id, due_at, pinged_at, ok, latency_ms) \
             SELECT {}, at, at, n % 10 <> 0, CASE WHEN n % 10 = 0 THEN 30000 ELSE n END \
             FROM generate_series(1, {count}) AS n, \
                 LATERAL (SELECT timestamptz '{}' + (n - 1) * interval '30 s' AS at) AS due",
            service.id,
            hour.to_rfc3339()
        ))
        .await;
}

async fn hours(monitor: &mut Monitor, service: &Service) -> Vec<PingHour> {
    latency::hours(&mut monitor.c, service.id, DateTime::UNIX_EPOCH).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_say_what_their_pings_say_however_often_they_are_written() {
    let mut monitor = Monitor::new().await;
    let service = monitor.add("http://127.0.0.1:1/").await;
    let first = this_hour() - TimeDelta::hours(30);
    store(&mut monitor, &service, first, 100).await;
    store(&mut monitor, &service, this_hour() - TimeDelta::hours(2), 10).await;
    run(&mut monitor, &RollUpPings {}).await;
    let written = hours(&mut monitor, &service).await;
    assert_eq!(written.len(), 2, "no row for an hour without pings");
    let expected = PingHour {
        service_id: service.id,
        hour: first,
        pings: 100,
        failures: 10,
        // 1..=99 without the tens, whose pings failed: their time says nothing.
        latency_ms_avg: 50,
        latency_ms_p95: 95,
        latency_ms_max: 99,
    };
    assert_eq!(written[0], expected);
    run(&mut monitor, &RollUpPings {}).await;
    assert_eq!(hours(&mut monitor, &service).await, written);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_hour_is_completed_by_the_next_roll_up() {
    let mut monitor = Monitor::new().await;
    let service = monitor.add("http://127.0.0.1:1/").await;
    let hour = this_hour() - TimeDelta::hours(1);
    store(&mut monitor, &service, hour, 5).await;
    run(&mut monitor, &RollUpPings {}).await;
    store(&mut monitor, &service, hour + TimeDelta::seconds(10), 5).await;
    run(&mut monitor, &RollUpPings {}).await;
    assert_eq!(hours(&mut monitor, &service).await[0].pings, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_that_comes_late_is_counted_in_its_hour() {
    let mut monitor = Monitor::new().await;
    let service = monitor.add("http://127.0.0.1:1/").await;
    let other = monitor.add("http://127.0.0.1:2/").await;
    let hour = this_hour() - TimeDelta::hours(3);
    for service in [&service, &other] {
        store(&mut monitor, service, hour, 5).await;
        store(&mut monitor, service, hour + TimeDelta::hours(1), 5).await;
    }
    run(&mut monitor, &RollUpPings {}).await;
    let late = Ping {
        service_id: service.id,
        due_at: hour + TimeDelta::minutes(50),
        pinged_at: moment(),
        ok: false,
        latency_ms: 7,
        status: None,
        error_kind: Some("timeout".to_owned()),
        error: Some("no answer came".to_owned()),
    };
    models::pings::record(&mut monitor.c, &service, &late).await.unwrap();
    let counted = hours(&mut monitor, &service).await;
    assert_eq!((counted[0].pings, counted[0].failures), (6, 1));
    assert_eq!(counted[1].pings, 5);
    assert_eq!(hours(&mut monitor, &other).await[0].pings, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_history_goes_and_what_no_hour_holds_yet_stays() {
    let mut monitor = Monitor::new().await;
    let service = monitor.add("http://127.0.0.1:1/").await;
    let old = this_hour() - TimeDelta::days(8);
    store(&mut monitor, &service, old, 100).await;
    run(&mut monitor, &PruneHistory {}).await;
    let pings = "SELECT count(*) FROM pings";
    assert_eq!(monitor.number(pings).await, 100, "nothing is rolled up yet");

    store(&mut monitor, &service, this_hour() - TimeDelta::days(6), 100).await;
    run(&mut monitor, &RollUpPings {}).await;
    monitor
        .run(&format!(
            "INSERT INTO ping_hours SELECT {}, date_trunc('hour', now() - n * interval '1 month'), 1, 0, 1, 1, 1 \
             FROM generate_series(12, 20) AS n",
            service.id
        ))
        .await;
    run(&mut monitor, &PruneHistory {}).await;
    assert_eq!(monitor.number(pings).await, 100, "those of 8 days ago went, those of 6 days ago stay");
    assert_eq!(
        monitor.number("SELECT count(*) FROM pings WHERE due_at < now() - interval '7 days'").await,
        0
    );
    let kept = hours(&mut monitor, &service).await;
    assert_eq!(kept.iter().filter(|hour| hour.pings == 100).count(), 2);
    assert!(kept.iter().all(|hour| hour.hour > Utc::now() - TimeDelta::days(400)), "{kept:?}");
    assert_eq!(kept.len(), 3, "of the months 12 to 20 only 12 stays; 13 is over at its first minute");
}
