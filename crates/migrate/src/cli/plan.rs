//! `plan`: what `up` would do.

use database::DatabaseUrl;
use serde::Serialize;

use crate::{
    MigrateError, Migration,
    class::{Class, Classifier, Phase},
    ledger, phases, plan,
    shadow::facts,
    sql::statements,
};

/// A pending migration as `plan` shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Planned {
    pub(crate) name: String,
    pub(crate) phase: Phase,
    pub(crate) statements: Vec<PlannedStatement>,
}

/// One of its statements.
#[derive(Debug, Serialize)]
pub(crate) struct PlannedStatement {
    pub(crate) statement: String,
    #[serde(flatten)]
    pub(crate) class: Class,
}

/// The pending migrations of this database. Changes nothing and waits for no runner.
pub(crate) async fn plan(url: &DatabaseUrl, all: &[Migration]) -> Result<Vec<Planned>, MigrateError> {
    let client = database::client(&url.with_application_name("migrate (plan)")).await?;
    let applied = ledger::applied(&client).await?;
    let known = facts(&client).await?;
    let pending = plan::pending(all, &applied, false)?;
    let planned = pending.into_iter().map(|migration| {
        let mut classifier = Classifier::default();
        let found = statements(migration.up());
        let statements = found.iter().map(|statement| PlannedStatement {
            statement: statement.summary(),
            class: classifier.next(&statement.text, &known),
        });
        Planned {
            name: migration.name().to_owned(),
            phase: phases::phase(migration, &known),
            statements: statements.collect(),
        }
    });
    Ok(planned.collect())
}
