//! The server that tests use.

use std::path::PathBuf;

use ::database::DatabaseUrl;
use postgres::SharedCluster;
use tokio::sync::OnceCell;

/// A server and whether it is this machine's own.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: DatabaseUrl,
    /// Set for the checkout's own server, which stays up as long as a process has a share in it.
    share: Option<SharedCluster>,
}

impl Server {
    /// `TEST_DATABASE_URL` when set, else the checkout's own, started by whoever is first.
    pub(crate) async fn get() -> &'static Self {
        static SERVER: OnceCell<Server> = OnceCell::const_new();
        SERVER.get_or_init(Self::find).await
    }

    async fn find() -> Self {
        if let Ok(text) = std::env::var("TEST_DATABASE_URL") {
            let url = text.parse().unwrap_or_else(|error| panic!("TEST_DATABASE_URL {error}"));
            return Self { url, share: None };
        }
        let share = tokio::task::spawn_blocking(|| {
            crate::program::need(install::Need::Postgres);
            postgres::shared_for_tests(&folder())
        });
        let share = share.await;
        let share = share.expect("starting Postgres does not panic").unwrap_or_else(|error| {
            panic!("tests need a Postgres: {error}\n(or set TEST_DATABASE_URL to one whose user may create databases)")
        });
        Self { url: share.url().parse().expect("the cluster's address is one"), share: Some(share) }
    }

    /// Whether process ids in names mean processes here.
    pub(crate) fn is_own(&self) -> bool {
        self.share.is_some()
    }
}

/// In the checkout's target folder, so that `cargo clean` takes it along; `SIDES_TEST_POSTGRES` names another, as for
/// another version.
fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("SIDES_TEST_POSTGRES").filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target =
        target.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../target")));
    let target = target.canonicalize().unwrap_or(target);
    target.join("test-postgres")
}
