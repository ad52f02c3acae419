//! Readers, writers and a report, as steady as the machine lets them be.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use database::DatabaseUrl;
use tokio::task::JoinSet;

/// What its sessions are called.
pub(crate) const NAME: &str = "load";
const READERS: usize = 4;
const WRITERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(10);

/// What the load has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) longest_read: Duration,
    pub(crate) longest_write: Duration,
    pub(crate) failed: usize,
    pub(crate) queries: usize,
    pub(crate) inserted: i64,
}

pub(crate) struct Load {
    ends: Arc<AtomicBool>,
    tasks: JoinSet<Seen>,
}

impl Load {
    pub(crate) async fn start(url: &DatabaseUrl, rows: i64) -> Self {
        let (ends, mut tasks) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
        for who in 0..READERS + WRITERS {
            let client = database::client(&url.with_application_name(NAME)).await.unwrap();
            let ends = Arc::clone(&ends);
            tasks.spawn(async move {
                let (mut seen, mut next) = (Seen::default(), who as i64 * 7919);
                while !ends.load(Ordering::Relaxed) {
                    next = (next * 6_364_136_223 + 1_442_695).rem_euclid(rows);
                    let is_insert = who >= READERS && next % 4 == 0;
                    let query = match who {
                        _ if is_insert => "INSERT INTO t (r, txt) VALUES (1, 'new')".to_owned(),
                        _ if who >= READERS => {
                            format!("UPDATE t SET txt = 'changed' WHERE id = {}", next + 1)
                        }
                        _ => format!("SELECT id, a, txt FROM t WHERE id = {}", next + 1),
                    };
                    let begun = Instant::now();
                    let done = client.batch_execute(&query).await;
                    let longest =
                        if who < READERS { &mut seen.longest_read } else { &mut seen.longest_write };
                    *longest = begun.elapsed().max(*longest);
                    seen.queries += 1;
                    seen.failed += usize::from(done.is_err());
                    seen.inserted += i64::from(is_insert && done.is_ok());
                    tokio::time::sleep(PAUSE).await;
                }
                seen
            });
        }
        let client = database::client(&url.with_application_name("report")).await.unwrap();
        let over = Arc::clone(&ends);
        tasks.spawn(async move {
            // It holds its lock for a second, as a report does: whoever waits for it makes others wait.
            while !over.load(Ordering::Relaxed) {
                client.batch_execute("BEGIN; SELECT FROM t LIMIT 1").await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
                client.batch_execute("COMMIT").await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Seen::default()
        });
        // The load is there before the change comes.
        tokio::time::sleep(Duration::from_millis(500)).await;
        Self { ends, tasks }
    }

    pub(crate) async fn end(self) -> Seen {
        self.ends.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().fold(Seen::default(), |sum, one| Seen {
            longest_read: sum.longest_read.max(one.longest_read),
            longest_write: sum.longest_write.max(one.longest_write),
            failed: sum.failed + one.failed,
            queries: sum.queries + one.queries,
            inserted: sum.inserted + one.inserted,
        })
    }
}
