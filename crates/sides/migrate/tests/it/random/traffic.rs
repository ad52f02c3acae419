//! Readers and writers that go on as long as nobody stops them, with statements that they prepared at their start.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use testing::{TestDatabase, wait_until};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Statement};

use crate::lane::client;

const TABLES: &[&str] = &["parent", "child", "parts", "seen"];

pub(super) struct Traffic {
    stops: Arc<AtomicBool>,
    rounds: Vec<Arc<AtomicU64>>,
    faults: Arc<Mutex<Vec<String>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Traffic {
    pub(super) async fn start(database: &TestDatabase) -> Self {
        let (stops, faults) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (mut rounds, mut tasks) = (Vec::new(), Vec::new());
        for table in TABLES {
            let session = client(database).await;
            let statements = prepared(&session, table).await;
            let count = Arc::new(AtomicU64::new(0));
            rounds.push(Arc::clone(&count));
            let (stops, faults) = (Arc::clone(&stops), Arc::clone(&faults));
            tasks.push(tokio::spawn(async move {
                while !stops.load(Ordering::Relaxed) {
                    for (text, statement) in &statements {
                        if let Err(error) = session.query(statement, &[]).await {
                            let said =
                                error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string);
                            faults.lock().unwrap().push(format!("{text}: {said}"));
                        }
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }));
        }
        Self { stops, rounds, faults, tasks }
    }

    /// Waits until each of them has said everything once more.
    pub(super) async fn go_round(&self) {
        for count in &self.rounds {
            let before = count.load(Ordering::Relaxed);
            let later = async || count.load(Ordering::Relaxed) >= before + 2;
            wait_until("the traffic goes on", Duration::from_secs(60), later).await;
        }
    }

    /// What failed since the last call.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = std::mem::take(&mut *self.faults.lock().unwrap());
        faults.sort();
        faults.dedup();
        faults
    }

    pub(super) async fn stop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
        for task in self.tasks.drain(..) {
            task.await.unwrap();
        }
    }
}

/// What code says to a table, by an explicit list of the columns that it has now; what does not work from the start
/// is left out.
async fn prepared(session: &Client, table: &str) -> Vec<(String, Statement)> {
    let rows = session
        .query(
            "SELECT quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), a.attgenerated = '' AND a.attidentity = '' AND d.oid IS NULL,
                    c.relkind::text
             FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
             LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE a.attrelid = to_regclass($1::text) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            &[&table],
        )
        .await
        .unwrap();
    let column = |row: &tokio_postgres::Row| row.get::<_, String>(0);
    let all: Vec<String> = rows.iter().map(column).collect();
    let Some(kind) = rows.first().map(|row| row.get::<_, String>(3)) else { return Vec::new() };
    let all = all.join(", ");
    let given: Vec<_> = rows.iter().filter(|row| row.get::<_, bool>(2)).collect();
    let names: Vec<String> = given.iter().map(|row| column(row)).collect();
    let values: Vec<String> = given.iter().map(|row| value(row.get(1))).collect();
    let mut texts = vec![format!("SELECT {all} FROM {table} ORDER BY 1 LIMIT 3")];
    if kind != "v" && !given.is_empty() {
        let newest = format!("WHERE id = (SELECT max(id) FROM {table})");
        texts.push(format!(
            "INSERT INTO {table} ({}) VALUES ({}) RETURNING {all}",
            names.join(", "),
            values.join(", ")
        ));
        texts.push(format!("UPDATE {table} SET {0} = {0} {newest} RETURNING {all}", names[names.len() - 1]));
        texts.push(format!("DELETE FROM {table} {newest} RETURNING {all}"));
    }
    let mut statements = Vec::new();
    for text in texts {
        let works = session.batch_execute(&format!("BEGIN; {text}")).await.is_ok();
        session.batch_execute("ROLLBACK").await.unwrap();
        if works {
            let statement = session.prepare(&text).await.unwrap();
            statements.push((text, statement));
        }
    }
    statements
}

fn value(sql_type: &str) -> String {
    let number = "nextval('live_ids')";
    let text = match sql_type.split('(').next().unwrap_or_default() {
        "integer" | "bigint" | "numeric" => return number.to_owned(),
        "smallint" => format!("{number} % 30000"),
        "boolean" => "true".to_owned(),
        "text" | "character varying" => format!("'v' || {number}"),
        _ => return "DEFAULT".to_owned(),
    };
    format!("({text})::{sql_type}")
}
