//! The identity of a session. A migration may change the role; the record of it is still written as the runner.

use tokio_postgres::{Client, Error};

/// The session's user and the role that it took, `none` without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    user: String,
    role: String,
}

/// How long a session keeps an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    TransactionEnds,
    SessionEnds,
}

impl Identity {
    /// Who the session is now.
    pub(crate) async fn of(client: &Client) -> Result<Self, Error> {
        let row =
            client.query_one("SELECT session_user::text, pg_catalog.current_setting('role')", &[]).await?;
        Ok(Self { user: row.get(0), role: row.get(1) })
    }

    /// Becomes it, from whatever the session is now. Going back to the user who connected is always allowed.
    pub(crate) async fn take(&self, client: &Client, until: Until) -> Result<(), Error> {
        let now = Self::of(client).await?;
        let is_local = until == Until::TransactionEnds;
        if now.user != self.user {
            let (local, user) = (if is_local { "LOCAL " } else { "" }, self.user.replace('"', "\"\""));
            client.batch_execute(&format!("SET {local}SESSION AUTHORIZATION \"{user}\"")).await?;
        }
        if now != *self {
            client.execute("SELECT pg_catalog.set_config('role', $1, $2)", &[&self.role, &is_local]).await?;
        }
        Ok(())
    }
}
