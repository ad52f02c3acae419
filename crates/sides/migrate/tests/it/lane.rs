//! Made-up migrations, and a database to run them on.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sides_migrate::{Event, MigrateError, Migration, Options, Revert};
use testing::TestDatabase;
use tokio_postgres::Client;

/// Migrations numbered by their place.
pub(crate) fn lane(texts: &[(&str, &str)]) -> Vec<Migration> {
    texts
        .iter()
        .enumerate()
        .map(|(place, (up, down))| Migration::new(format!("{}_m", place + 1), *up, *down))
        .collect()
}

/// Short pauses: these tests wait for locks that they hold themselves.
pub(crate) fn hasty() -> Options {
    Options {
        lock_timeout: Duration::from_millis(50),
        pause: Duration::from_millis(10),
        tries: 5,
        ..Options::default()
    }
}

pub(crate) async fn up(database: &TestDatabase, all: &[Migration]) -> Result<Vec<String>, MigrateError> {
    sides_migrate::apply(database.url(), all, &hasty(), &mut |_| {}).await
}

pub(crate) async fn down(database: &TestDatabase, all: &[Migration]) -> Result<Vec<String>, MigrateError> {
    sides_migrate::revert(database.url(), all, Revert::Newest(1), &hasty(), &mut |_| {}).await
}

/// Whether the server is of this major version or newer.
pub(crate) async fn is_at_least(major: u32) -> bool {
    let database = TestDatabase::empty().await;
    let question = format!("SELECT current_setting('server_version_num')::int / 10000 >= {major}");
    ask(&client(&database).await, &question).await == "true"
}

/// The same as far as the server knows it: before Postgres 15 NULLs of a unique key were always distinct.
pub(crate) async fn as_known(text: &str) -> String {
    match is_at_least(15).await {
        true => text.to_owned(),
        false => text.replace(" NULLS NOT DISTINCT", ""),
    }
}

pub(crate) async fn client(database: &TestDatabase) -> Client {
    database::client(database.url()).await.unwrap()
}

pub(crate) async fn ask(client: &Client, query: &str) -> String {
    let row = client.query_one(&format!("SELECT ({query})::text"), &[]).await.unwrap();
    row.get::<_, Option<String>>(0).unwrap_or_else(|| "NULL".to_owned())
}

/// Events, kept for a look from another task.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Event>>>);

impl Heard {
    pub(crate) fn listener(&self) -> impl FnMut(Event) + Send + use<> {
        let heard = Arc::clone(&self.0);
        move |event| heard.lock().unwrap().push(event)
    }

    pub(crate) fn all(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, is_it: impl Fn(&Event) -> bool) -> usize {
        self.all().iter().filter(|event| is_it(event)).count()
    }
}
