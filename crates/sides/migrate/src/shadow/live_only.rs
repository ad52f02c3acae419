//! What the live database has beside the migrations: partitions that a job makes, rights that were given by hand or by
//! `migrate grants`, publications. A migration that touches their table meets them all.

use tokio_postgres::{Client, Error};

use super::{
    Scratch,
    probes::{TRY, try_all},
};

/// Statements that make it again; those that do not apply to a scratch database are left out there.
#[derive(Debug, Clone, Default)]
pub(crate) struct LiveOnly {
    /// As the user of the migrations.
    by_user: Vec<String>,
    by_admin: Vec<String>,
}

impl LiveOnly {
    /// Reads it.
    pub(crate) async fn read(live: &Client) -> Result<Self, Error> {
        let mut own = Self::default();
        for row in live.query(include_str!("live_only.sql"), &[]).await? {
            let of_user: bool = row.get(0);
            if of_user { own.by_user.push(row.get(1)) } else { own.by_admin.push(row.get(1)) }
        }
        Ok(own)
    }

    /// Makes it, as far as its tables are there.
    pub(crate) async fn make(&self, scratch: &Scratch) -> Result<(), Error> {
        let (roles, rest) = self.by_admin.split_at(self.roles());
        each(&scratch.eye, roles).await?;
        scratch.settle().await?;
        each(&scratch.client, &self.by_user).await?;
        each(&scratch.eye, rest).await
    }

    fn roles(&self) -> usize {
        self.by_admin.iter().take_while(|one| one.starts_with("CREATE ROLE")).count()
    }
}

async fn each(session: &Client, statements: &[String]) -> Result<(), Error> {
    if statements.is_empty() || session.batch_execute(TRY).await.is_err() {
        return Ok(());
    }
    try_all(session, statements).await.map(drop)
}
