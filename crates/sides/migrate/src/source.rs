//! Diesel's sources of migrations, read as texts; and ours, as a source for diesel.
//!
//! A diesel migration shows nothing of itself but its name: it can only be told to run. So it is told to run on a
//! connection that keeps what it is given instead of sending it, and what it would have sent is the text. Phases, locks,
//! checks and recovery are decided on that text. A migration written in Rust has none and is refused.

use std::fmt;

use diesel::{
    QueryResult,
    backend::Backend,
    connection::{
        AnsiTransactionManager, BoxableConnection, CacheSize, Connection, ConnectionSealed, Instrumentation,
        SimpleConnection, TransactionManager, get_default_instrumentation,
    },
    migration::{self, MigrationMetadata, MigrationName, MigrationSource, MigrationVersion},
    pg::Pg,
    query_builder::{QueryFragment, QueryId},
};
use diesel_migrations::MigrationError as DieselError;

use crate::{Migration, MigrationError, migration::in_order, script::Script};

impl Migration {
    /// The migrations of one of diesel's sources, like `EmbeddedMigrations`, oldest first.
    ///
    /// Diesel keeps `run_in_transaction` of a `metadata.toml` and nothing else; `metadata` has the texts of these files
    /// by the migrations' names, as a build script with `sides-migrate-build` leaves them. For a folder there is
    /// [`Migration::read_all`], which needs none.
    ///
    /// # Errors
    /// When the source cannot be read, or one of its migrations is not text or has metadata that is not known here.
    pub fn from_source(
        source: &dyn MigrationSource<Pg>,
        metadata: &[(&str, &str)],
    ) -> Result<Vec<Self>, MigrationError> {
        let found = source.migrations().map_err(|source| MigrationError::Source { source })?;
        let all = found.iter().map(|one| {
            let name = one.name().to_string();
            let unread = |source| MigrationError::NotText { name: name.clone(), source };
            let up = recorded(|recorder| one.run(recorder)).map_err(unread)?;
            let down = match recorded(|recorder| one.revert(recorder)) {
                Err(error) if has_no_way_back(error.as_ref()) => None,
                down => Some(down.map_err(unread)?),
            };
            let text = metadata.iter().find(|(of, _)| *of == name).map(|(_, text)| *text);
            let text = text.unwrap_or(match one.metadata().run_in_transaction() {
                // What diesel says where there is no file: the statements decide.
                true => "",
                false => "run_in_transaction = false",
            });
            Self::from_texts(name, up, down, text)
        });
        in_order(all.collect::<Result<_, _>>()?)
    }
}

fn has_no_way_back(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(DieselError::NoMigrationRevertFile))
}

fn recorded(run: impl FnOnce(&mut Recorder) -> migration::Result<()>) -> migration::Result<String> {
    let mut recorder = Recorder {
        text: String::new(),
        transactions: AnsiTransactionManager::default(),
        instrumentation: get_default_instrumentation(),
    };
    run(&mut recorder)?;
    Ok(recorder.text)
}

/// A connection to nothing, which keeps the statements that it is given.
struct Recorder {
    text: String,
    transactions: AnsiTransactionManager,
    instrumentation: Option<Box<dyn Instrumentation>>,
}

impl SimpleConnection for Recorder {
    fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.text.push_str(query);
        Ok(())
    }
}

impl ConnectionSealed for Recorder {}

impl Connection for Recorder {
    type Backend = Pg;
    type TransactionManager = AnsiTransactionManager;

    fn establish(_: &str) -> diesel::ConnectionResult<Self> {
        Err(diesel::ConnectionError::BadConnection("this connection only keeps statements".to_owned()))
    }

    fn execute_returning_count<T>(&mut self, _: &T) -> QueryResult<usize>
    where
        T: QueryFragment<Pg> + QueryId,
    {
        let why = "it queries the database while it runs, so its effects cannot be known in advance";
        Err(diesel::result::Error::QueryBuilderError(why.into()))
    }

    fn transaction_state(
        &mut self,
    ) -> &mut <AnsiTransactionManager as TransactionManager<Self>>::TransactionStateData {
        &mut self.transactions
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        &mut self.instrumentation
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.instrumentation = Some(Box::new(instrumentation));
    }

    fn set_prepared_statement_cache_size(&mut self, _: CacheSize) {}
}

/// Migrations for diesel's own `MigrationHarness`: the same ones, in the same table.
///
/// ```
/// # fn example(harness: &mut impl diesel_migrations::MigrationHarness<diesel::pg::Pg>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let all = sides_migrate::chassis()?;
/// harness.run_pending_migrations(sides_migrate::ForDiesel(all))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ForDiesel(pub Vec<Migration>);

impl<DB: Backend> MigrationSource<DB> for ForDiesel {
    fn migrations(&self) -> migration::Result<Vec<Box<dyn migration::Migration<DB>>>> {
        let boxed = |one: &Migration| Box::new(Step(one.clone())) as Box<dyn migration::Migration<DB>>;
        Ok(self.0.iter().map(boxed).collect())
    }
}

struct Step(Migration);

impl<DB: Backend> migration::Migration<DB> for Step {
    fn run(&self, connection: &mut dyn BoxableConnection<DB>) -> migration::Result<()> {
        Ok(connection.batch_execute(self.0.up())?)
    }

    fn revert(&self, connection: &mut dyn BoxableConnection<DB>) -> migration::Result<()> {
        Ok(connection.batch_execute(self.0.down().ok_or(DieselError::NoMigrationRevertFile)?)?)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self
    }

    fn name(&self) -> &dyn MigrationName {
        self
    }
}

impl MigrationMetadata for Step {
    /// Left open, the statements decide: diesel would take one that has no file for true, one without the setting for
    /// false.
    fn run_in_transaction(&self) -> bool {
        Script::up(&self.0).is_ok_and(|script| script.in_transaction)
    }
}

impl MigrationName for Step {
    fn version(&self) -> MigrationVersion<'_> {
        self.0.version().into()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.name())
    }
}
