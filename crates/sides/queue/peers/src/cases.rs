//! What is measured, the same way for each.

use std::time::{Duration, Instant};

use crate::{
    peer::{Peer, Setting},
    place::{Place, says, settle},
    table::Table,
    work,
};

/// Looks that many times for the start of a single job.
const LOOKS: usize = 300;
const SINGLE: u64 = 1_000;

pub async fn run<P: Peer>(case: &str, setting: &Setting, place: &Place, jobs: u64, table: &mut Table) {
    let label = setting.label();
    match case {
        "drain" => {
            let rate = drain::<P>(setting, place, jobs, Duration::ZERO).await;
            table.add("no-op jobs/s", &label, rate);
        }
        "short" => {
            let setting = Setting { concurrency: setting.concurrency.min(100), ..setting.clone() };
            let rate = drain::<P>(&setting, place, (jobs / 5).max(100), Duration::from_millis(1)).await;
            table.add("1 ms jobs/s, concurrency 100 at most", &setting.label(), rate);
        }
        "enqueue" => enqueue::<P>(setting, place, jobs, table).await,
        "idle" => {
            let all = idle::<P>(setting, place).await;
            for (share, case) in [(50, "idle, commit to start, p50"), (99, "idle, commit to start, p99")] {
                if let Some(time) = all.get(all.len() * share / 100) {
                    table.add_time(case, &setting.name, time.as_secs_f64() * 1e3);
                }
            }
        }
        other => panic!("there is no case {other:?}; there are drain, short, enqueue, idle"),
    }
}

/// All run, and the database knows.
async fn drain<P: Peer>(setting: &Setting, place: &Place, jobs: u64, nap: Duration) -> f64 {
    let url = place.database(&setting.name).await;
    let client = database::client(&url).await.expect("the server answers");
    let mut peer = P::open(&url).await;
    peer.fill(jobs).await;
    settle(&client).await;
    work::reset(nap);
    let began = Instant::now();
    let worker = peer.start(setting, true).await;
    let (ran, last) = work::wait(jobs, Duration::from_millis(2)).await;
    if ran < jobs {
        println!("  {} has stopped after {ran} of {jobs} jobs", setting.name);
        P::stop(worker).await;
        return ran as f64 / (last - began).as_secs_f64();
    }
    while !says(&client, P::DONE).await {
        assert!(began.elapsed() < Duration::from_secs(300), "not all are acknowledged");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let took = began.elapsed();
    P::stop(worker).await;
    jobs as f64 / took.as_secs_f64()
}

async fn enqueue<P: Peer>(setting: &Setting, place: &Place, jobs: u64, table: &mut Table) {
    let url = place.database(&setting.name).await;
    let mut peer = P::open(&url).await;
    let rate = |jobs: u64, began: Instant| jobs as f64 / began.elapsed().as_secs_f64();
    let began = Instant::now();
    for _ in 0..SINGLE {
        peer.one().await;
    }
    table.add("enqueued/s, each in its transaction", &setting.name, rate(SINGLE, began));
    let began = Instant::now();
    if peer.in_transaction(SINGLE).await {
        table.add("enqueued/s, one by one in a transaction", &setting.name, rate(SINGLE, began));
    }
    let began = Instant::now();
    if peer.fill(jobs).await {
        table.add("enqueued/s, in bulk", &setting.name, rate(jobs, began));
    }
}

/// From the moment at which a job was enqueued to that at which it starts.
async fn idle<P: Peer>(setting: &Setting, place: &Place) -> Vec<Duration> {
    let url = place.database(&setting.name).await;
    let mut peer = P::open(&url).await;
    work::reset(Duration::ZERO);
    let one_at_a_time = Setting { concurrency: 16, ..setting.clone() };
    let worker = peer.start(&one_at_a_time, false).await;
    let mut all = Vec::new();
    // The first ones find it still starting.
    for round in 0..LOOKS + 20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        // Some run a job twice: the second time is not the next job's.
        work::reset(Duration::ZERO);
        peer.one().await;
        let committed = Instant::now();
        let (ran, started) = work::wait(1, Duration::from_micros(100)).await;
        if ran == 0 {
            println!("  {} has stopped after {round} jobs", setting.name);
            break;
        }
        if round >= 20 {
            all.push(started.saturating_duration_since(committed));
        }
    }
    P::stop(worker).await;
    all.sort_unstable();
    all
}
