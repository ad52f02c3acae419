//! What the live database has beside the migrations: partitions that a job makes, rights that were given by hand or by
//! `migrate grants`, publications. A migration that touches their table meets them all.

use tokio_postgres::{Client, Error};

/// Statements that make it again; those that do not apply to a scratch database are left out there.
#[derive(Debug, Clone, Default)]
pub(crate) struct LiveOnly {
    /// As the user of the migrations.
    pub(super) by_user: Vec<String>,
    pub(super) by_admin: Vec<String>,
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
}
