//! Jobs come as fast as they go, and few wait: what a job costs, from the first second to the last.
//!
//! Beside the rate, which depends on what else the machine does, it counts: entries of the index that claims walk along,
//! and blocks of it, for each job. The second half of a run with `BENCH_HELD=1` is under a snapshot that stops vacuum.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio_postgres::{Client, IsolationLevel};

use crate::{
    figures::{Table, number},
    kinds::{Counting, Nothing},
    place::Place,
};

const EVERY: Duration = Duration::from_secs(5);
const PRODUCERS: u64 = 2;
/// So many come in one transaction.
const BATCH: usize = 20;

pub(crate) async fn measure(place: &Place, table: &mut Table) {
    place.fill(0, &Nothing {}).await;
    let depth = number("BENCH_DEPTH", 500);
    let seconds = number("BENCH_SECONDS", 40);
    let is_held = number("BENCH_HELD", 0) > 0;
    let running = Counting::start(place, usize::try_from(number("BENCH_RUNNERS", 1)).unwrap(), 64);
    let (given, ends) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut producers = Vec::new();
    for _ in 0..PRODUCERS {
        let (mut c, given, ended, ends) =
            (place.connect().await, Arc::clone(&given), Arc::clone(&running.ended), Arc::clone(&ends));
        producers.push(tokio::spawn(async move {
            while !ends.load(Ordering::Relaxed) {
                let waiting = given.load(Ordering::Relaxed) - ended.load(Ordering::Relaxed);
                if waiting > depth {
                    tokio::time::sleep(Duration::from_micros(200)).await;
                    continue;
                }
                given.fetch_add(BATCH as u64, Ordering::Relaxed);
                sides_queue::enqueue_all(&mut c, &vec![Nothing {}; BATCH]).await.unwrap();
            }
        }));
    }
    let client = place.client().await;
    let mut holder = place.client().await;
    let mut snapshot = None;
    let began = Instant::now();
    let mut before = Counts::now(&client, &running.ended).await;
    while began.elapsed() < Duration::from_secs(seconds) {
        if is_held && snapshot.is_none() && began.elapsed() >= Duration::from_secs(seconds / 2) {
            let open = holder.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
            let open = open.start().await.unwrap();
            open.query_one("SELECT count(*) FROM sides.runners", &[]).await.unwrap();
            std::mem::forget(open);
            snapshot = Some(());
        }
        tokio::time::sleep(EVERY).await;
        let now = Counts::now(&client, &running.ended).await;
        let held = if snapshot.is_some() { ", snapshot held" } else { "" };
        let what = format!("steady, second {}{held}", began.elapsed().as_secs());
        table.add(&what, now.since(&before));
        before = now;
    }
    ends.store(true, Ordering::Relaxed);
    for one in producers {
        one.await.unwrap();
    }
    drop(holder);
    running.stop().await;
}

struct Counts {
    at: Instant,
    jobs: u64,
    row: Vec<f64>,
}

impl Counts {
    async fn now(client: &Client, ended: &AtomicU64) -> Self {
        let sql = "\
SELECT ready.idx_scan::float8, ready.idx_tup_read::float8, (blocks.idx_blks_hit + blocks.idx_blks_read)::float8,
    running.idx_tup_read::float8, jobs.n_dead_tup::float8, pg_total_relation_size('sides.fang_tasks')::float8,
    (jobs.vacuum_count + jobs.autovacuum_count)::float8, (pg_current_wal_lsn() - '0/0'::pg_lsn)::float8
FROM pg_stat_user_indexes AS ready
JOIN pg_statio_user_indexes AS blocks USING (indexrelid)
JOIN pg_stat_user_indexes AS running ON running.indexrelname = 'fang_tasks_held'
JOIN pg_stat_user_tables AS jobs ON jobs.relid = ready.relid
WHERE ready.indexrelname = 'fang_tasks_in_order'";
        let row = client.query_one(sql, &[]).await.unwrap();
        let row = (0..row.len()).map(|column| row.get(column)).collect();
        Self { at: Instant::now(), jobs: ended.load(Ordering::Relaxed), row }
    }

    fn since(&self, before: &Self) -> Vec<(&'static str, f64)> {
        let jobs = (self.jobs - before.jobs).max(1) as f64;
        let more = |column: usize| self.row[column] - before.row[column];
        vec![
            ("/s", jobs / (self.at - before.at).as_secs_f64()),
            ("jobs/scan", jobs / more(0).max(1.0)),
            ("entries/job", more(1) / jobs),
            ("blocks/job", more(2) / jobs),
            ("running/job", more(3) / jobs),
            ("dead", self.row[4]),
            ("MB", self.row[5] / 1e6),
            ("vacuums", more(6)),
            ("WAL B/job", more(7) / jobs),
        ]
    }
}
