//! Readers and writers that go on while a schema changes, and remember what they were promised.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use testing::TestDatabase;
use tokio::task::JoinHandle;

use crate::lane::client;

/// Sessions that repeat their statements until they are asked to end.
pub(crate) struct Load {
    ends: Arc<AtomicBool>,
    sessions: Vec<JoinHandle<(usize, Vec<String>)>>,
}

impl Load {
    /// One session for each script. `{}` in it is a number that no other round has.
    pub(crate) async fn start(database: &TestDatabase, scripts: &[&str]) -> Self {
        let (ends, numbers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(1)));
        let mut sessions = Vec::new();
        for script in scripts {
            let (client, script) = (client(database).await, (*script).to_owned());
            let (ends, numbers) = (Arc::clone(&ends), Arc::clone(&numbers));
            sessions.push(tokio::spawn(async move {
                let (mut rounds, mut failed) = (0, Vec::new());
                while !ends.load(Ordering::Relaxed) {
                    rounds += 1;
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    for statement in script.split(';') {
                        let statement = statement.replace("{}", &number.to_string());
                        if let Err(error) = client.batch_execute(&statement).await {
                            failed.push(format!("{statement}: {error:?}"));
                        }
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(3)).await;
                }
                (rounds, failed)
            }));
        }
        Self { ends, sessions }
    }

    /// One session that has prepared these before, and executes them over and over.
    pub(crate) async fn prepared(database: &TestDatabase, statements: &[&str]) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let session = client(database).await;
        let mut prepared = Vec::new();
        for statement in statements {
            prepared.push((session.prepare(statement).await.unwrap(), (*statement).to_owned()));
        }
        let ended = Arc::clone(&ends);
        let runs = tokio::spawn(async move {
            let (mut rounds, mut failed) = (0, Vec::new());
            while !ended.load(Ordering::Relaxed) {
                rounds += 1;
                for (statement, text) in &prepared {
                    if let Err(error) = session.query(statement, &[]).await {
                        failed.push(format!("prepared {text}: {error:?}"));
                    }
                }
                tokio::time::sleep(std::time::Duration::from_millis(3)).await;
            }
            (rounds, failed)
        });
        Self { ends, sessions: vec![runs] }
    }

    /// Ends it. No statement has failed; how often each script was repeated.
    pub(crate) async fn end(self) -> Vec<usize> {
        self.ends.store(true, Ordering::Relaxed);
        let (mut all, mut failed) = (Vec::new(), Vec::new());
        for session in self.sessions {
            let (rounds, of_session) = session.await.unwrap();
            all.push(rounds);
            failed.extend(of_session);
        }
        assert!(failed.is_empty(), "{} statements failed in {all:?} rounds: {failed:#?}", failed.len());
        all
    }
}
