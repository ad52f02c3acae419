//! From the queue alone to the whole chassis.

use std::error::Error;

use database::{Connection, DatabaseUrl};
use diesel::{
    Connection as _,
    connection::{BoxableConnection, SimpleConnection as _},
    migration::{Migration, MigrationMetadata, MigrationName, MigrationSource},
    pg::Pg,
};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::MigrationHarness as _;
use schema::queue_texts::{CHASSIS, QUEUE};

use super::{MigrateError, alone::foreign_part, locked, migrate};

type Fault = Box<dyn Error + Send + Sync>;

/// Brings a database that has the queue alone, from [`migrate()`] or from [`super::migrations`], to where `sides-migrate`
/// takes over: the chassis' other tables are made, in one transaction, and all of its migrations noted as applied. Jobs and
/// workers are left alone. Returns the versions that were noted, none where `sides-migrate` has already been.
///
/// Rights change: from then on nobody but their owner may call the functions of schema `sides`, unless that is granted.
///
/// # Errors
/// When the database is away, or refuses a statement; then nothing has changed but the queue's own tables, which are
/// upgraded first.
pub async fn hand_over(url: &DatabaseUrl) -> Result<Vec<String>, MigrateError> {
    migrate(url).await?;
    locked(url, |connection| {
        let mut connection = AsyncConnectionWrapper::<Connection>::from(connection);
        connection.transaction(make_the_rest)
    })
    .await
}

/// A migration that only has to be noted.
struct Noted(Box<dyn Migration<Pg>>);

impl Migration<Pg> for Noted {
    fn run(&self, _: &mut dyn BoxableConnection<Pg>) -> diesel::migration::Result<()> {
        Ok(())
    }

    fn revert(&self, connection: &mut dyn BoxableConnection<Pg>) -> diesel::migration::Result<()> {
        self.0.revert(connection)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self.0.metadata()
    }

    fn name(&self) -> &dyn MigrationName {
        self.0.name()
    }
}

fn make_the_rest(connection: &mut AsyncConnectionWrapper<Connection>) -> Result<Vec<String>, Fault> {
    let applied: Vec<String> = connection.applied_migrations()?.iter().map(ToString::to_string).collect();
    let is_applied = |version: &str| applied.iter().any(|one| one == version);
    let all = MigrationSource::<Pg>::migrations(&schema::MIGRATIONS)?;
    let version_of = |name: &str| name.split('_').next().unwrap_or_default().replace('-', "");
    if is_applied(&version_of(CHASSIS.0)) {
        return Ok(Vec::new());
    }
    let mut noted = Vec::new();
    for migration in all {
        let name = migration.name().to_string();
        if let Some((_, text)) = QUEUE.iter().find(|(known, _)| *known == name) {
            // The queue's part of it is there.
            let (part, rights) = foreign_part(&name, text);
            let part = part.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION");
            connection.batch_execute(&format!("{part}\n{rights}"))?;
            continue;
        }
        let version = version_of(&name);
        if is_applied(&version) {
            continue;
        }
        if name == CHASSIS.0 {
            connection.batch_execute(&CHASSIS.1.replace("CREATE SCHEMA sides;", ""))?;
            connection.run_migration(&Noted(migration))?;
        } else {
            connection.run_migration(&*migration)?;
        }
        noted.push(version);
    }
    Ok(noted)
}
