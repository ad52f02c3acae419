//! What a runner keeps while it works for long: jobs come as fast as they go.

use std::time::Duration;

use crate::{
    figures::{Table, number},
    kinds::{Nothing, Running},
    place::Place,
};

/// So many wait at a time.
const AHEAD: u64 = 200_000;

pub(crate) async fn measure(place: &Place, jobs: u64, table: &mut Table) {
    place.fill(AHEAD.min(jobs), &Nothing {}).await;
    let client = place.client().await;
    let running = Running::start(place, 1, 100);
    let (mut given, mut most, every) = (AHEAD.min(jobs), 0.0_f64, number("BENCH_EVERY", 1_000_000));
    let mut says = every;
    loop {
        let left: i64 = client.query_one("SELECT count(*) FROM sides.fang_tasks", &[]).await.unwrap().get(0);
        let left = u64::try_from(left).unwrap();
        most = most.max(resident());
        if given - left >= says || left == 0 && given == jobs {
            table.add(
                &format!("resident after {} jobs", given - left),
                vec![("MiB", resident()), ("MiB at most", most)],
            );
            says += every;
        }
        if left == 0 && given == jobs {
            break;
        }
        if left < AHEAD && given < jobs {
            let more = (jobs - given).min(100_000);
            place.add(more, &Nothing {}).await;
            given += more;
            client.batch_execute("TRUNCATE sides.job_history").await.unwrap();
        } else {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    running.stop().await;
}

fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
