//! A fresh, migrated database for one test, cloned from a template in milliseconds.

use std::sync::atomic::{AtomicBool, Ordering};

use ::database::{DatabaseUrl, Pool};
use diesel_async::SimpleAsyncConnection as _;

use crate::{
    server::Server,
    sweep::{new_name, sweep},
    template::template,
};

/// A database of its own, dropped with this value.
pub struct TestDatabase {
    url: DatabaseUrl,
    admin: DatabaseUrl,
}

impl TestDatabase {
    /// A clone of a migrated database, on the server of `TEST_DATABASE_URL` when that is set and else on one
    /// that all tests of this checkout share.
    ///
    /// # Panics
    /// When no Postgres can be had: a test cannot go on without it.
    pub async fn create() -> Self {
        let server = Server::get().await;
        Self::from_template(server, template(server).await).await
    }

    /// An empty database, without any migration.
    ///
    /// # Panics
    /// When no Postgres can be had.
    pub async fn empty() -> Self {
        Self::from_template(Server::get().await, "template0").await
    }

    async fn from_template(server: &Server, template: &str) -> Self {
        static SWEPT: AtomicBool = AtomicBool::new(false);
        let mut connection = ::database::connect(&server.url).await.expect("the test server answers");
        if !SWEPT.swap(true, Ordering::Relaxed) {
            sweep(&mut connection, server.is_own()).await;
        }
        let name = new_name();
        connection
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .await
            .expect("the test server's user may create databases");
        Self { url: server.url.with_database(&name), admin: server.url.clone() }
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
        if !matches!(dropped, Ok(Ok(()))) {
            eprintln!("a test database was left behind, the next run sweeps it: {dropped:?}");
        }
    }
}
