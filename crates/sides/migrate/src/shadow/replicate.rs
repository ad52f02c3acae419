//! Makes on a scratch database what the live one has beside the migrations.

use tokio_postgres::{Client, Error};

use super::{
    LiveOnly, Scratch,
    probes::{TRY, try_all},
};

impl LiveOnly {
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
