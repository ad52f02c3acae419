//! Readers and writers that go on as long as nobody stops them, with statements that they prepared at their start.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use database::DatabaseUrl;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::{code, code::Spoken, connect};

/// Sessions that share the tables among them.
const SESSIONS: usize = 4;
/// A round takes milliseconds; on a busy machine more.
const PATIENCE: Duration = Duration::from_secs(120);

/// No two rows have one number: one may be left by a session that could not delete it any more.
static NUMBER: AtomicI64 = AtomicI64::new(10);

pub(super) struct Traffic {
    stops: Arc<AtomicBool>,
    rounds: Vec<Arc<AtomicU64>>,
    faults: Arc<Mutex<BTreeSet<String>>>,
    tasks: Vec<JoinHandle<()>>,
    /// The tables and views that it knows.
    tables: Vec<String>,
}

impl Traffic {
    /// With `slow`, one more writer keeps its transactions open for a while.
    pub(super) async fn start(url: &DatabaseUrl, slow: bool) -> Self {
        let eye = connect(url, "traffic").await;
        let tables = tables(&eye).await;
        let mut traffic = Self {
            stops: Arc::default(),
            rounds: Vec::new(),
            faults: Arc::default(),
            tasks: Vec::new(),
            tables: tables.clone(),
        };
        for number in 0..SESSIONS {
            let session = connect(url, "traffic").await;
            let mut spoken = Vec::new();
            for (place, table) in tables.iter().enumerate().skip(number).step_by(SESSIONS) {
                spoken.extend(code::prepared(&session, table, place).await);
            }
            let count = Arc::new(AtomicU64::new(0));
            traffic.rounds.push(Arc::clone(&count));
            traffic.tasks.push(tokio::spawn(go_on(
                session,
                spoken,
                count,
                Arc::clone(&traffic.stops),
                Arc::clone(&traffic.faults),
            )));
        }
        if slow {
            let session = connect(url, "slow").await;
            traffic.tasks.push(tokio::spawn(slowly(session, Arc::clone(&traffic.stops))));
        }
        traffic
    }

    /// Whether there is a table that it does not know.
    pub(super) async fn is_old(&self, eye: &Client) -> bool {
        tables(eye).await != self.tables
    }

    /// Waits until each of them has said everything twice more.
    pub(super) async fn go_round(&self) {
        for count in &self.rounds {
            let before = count.load(Ordering::Relaxed);
            let goes_on = async {
                while count.load(Ordering::Relaxed) < before + 2 {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            };
            tokio::time::timeout(PATIENCE, goes_on).await.expect("the traffic goes on");
        }
    }

    /// What failed since the last call.
    pub(super) fn faults(&self) -> Vec<String> {
        std::mem::take(&mut *self.faults.lock().unwrap()).into_iter().collect()
    }

    pub(super) async fn stop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
        for task in self.tasks.drain(..) {
            task.await.unwrap();
        }
    }
}

async fn go_on(
    session: Client,
    spoken: Vec<Spoken>,
    count: Arc<AtomicU64>,
    stops: Arc<AtomicBool>,
    faults: Arc<Mutex<BTreeSet<String>>>,
) {
    while !stops.load(Ordering::Relaxed) {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        for one in &spoken {
            if let Err(said) = one.say(&session, number).await {
                faults.lock().unwrap().insert(format!("{}: {said}", one.text));
            }
        }
        count.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A transaction that others have to wait for, again and again.
async fn slowly(session: Client, stops: Arc<AtomicBool>) {
    let mut number = 0_i64;
    while !stops.load(Ordering::Relaxed) {
        number += 1;
        let id = 800_000 + number;
        // Some of it may fail by now; it is there to hold locks.
        session.batch_execute("BEGIN").await.ok();
        for text in [
            "UPDATE child SET id = id WHERE id = 1".to_owned(),
            format!("INSERT INTO parent (id) VALUES ({id})"),
            "SELECT count(*) FROM parts WHERE id = 5".to_owned(),
        ] {
            session.batch_execute(&format!("SAVEPOINT s; {text}")).await.ok();
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        session.batch_execute("ROLLBACK").await.ok();
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
}

async fn tables(eye: &Client) -> Vec<String> {
    let rows = eye
        .query(
            "SELECT c.oid::regclass::text FROM pg_class AS c
             WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v') AND c.relnamespace = 'public'::regnamespace
               AND c.relname NOT LIKE '\\_\\_diesel%' ORDER BY c.oid",
            &[],
        )
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
