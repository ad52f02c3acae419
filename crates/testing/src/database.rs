//! A fresh, migrated database for one test, cloned from a template in milliseconds.

use ::database::{DatabaseUrl, Pool};
use diesel_async::SimpleAsyncConnection as _;

/// A database of its own, dropped with this value.
pub struct TestDatabase {
    url: DatabaseUrl,
    admin: DatabaseUrl,
}

impl TestDatabase {
    /// Clones a migrated database from the template, which is made when it does not exist yet.
    ///
    /// # Panics
    /// When no Postgres can be reached: a test cannot go on without it.
    pub async fn create() -> Self {
        let admin: DatabaseUrl = std::env::var("TEST_DATABASE_URL")
            .expect("TEST_DATABASE_URL is set")
            .parse()
            .expect("TEST_DATABASE_URL is a database address");
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        let mut connection = ::database::connect(&admin).await.expect("the test server answers");
        connection.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database can be made");
        let url = admin.with_database(&name);
        migrate::up(&url).await.expect("the migrations apply");
        Self { url, admin }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// A pool of up to 8 connections to it.
    #[must_use]
    pub fn pool(&self) -> Pool {
        ::database::pool(&self.url, 8)
    }

    /// One connection to it.
    ///
    /// # Panics
    /// When the server is away.
    pub async fn connect(&self) -> ::database::Connection {
        ::database::connect(&self.url).await.expect("the test database answers")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.url.database().to_owned());
        // Drop has no runtime of its own to wait in.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = ::database::connect(&admin).await?;
                connection.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            })
        })
        .join();
        if !matches!(dropped, Ok(Ok(()))) && !std::thread::panicking() {
            eprintln!("a test database was left behind: {dropped:?}");
        }
    }
}
