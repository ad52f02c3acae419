//! The pending migrations.

use std::time::Duration;

use anyhow::Context as _;
use database::DatabaseUrl;
use migrate::{
    Migration, State,
    class::{Facts, Phase},
};
use tokio::time;

use crate::git::Repository;
use workspace::Workspace;

const LIMIT: Duration = Duration::from_secs(3);

/// What is to be migrated.
#[derive(Debug, Default)]
pub struct Migrations {
    /// Whether a database, or a commit, was there to tell.
    pub are_known: bool,
    /// In their order.
    pub pending: Vec<Pending>,
    /// Why none may be applied.
    pub problems: Vec<String>,
    /// All of the checkout, for a look ahead.
    pub all: Vec<Migration>,
}

/// A migration that the database lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The name of its folder.
    pub name: String,
    /// When it may run.
    pub phase: planner::Phase,
}

/// Compares the folder `migrations` with the database, or else with a commit.
pub(super) async fn pending(
    workspace: &Workspace,
    url: Option<&DatabaseUrl>,
    since: Option<(&str, &Repository)>,
    notes: &mut Vec<String>,
) -> anyhow::Result<Migrations> {
    let folder = workspace.root().join("migrations");
    if !folder.is_dir() {
        return Ok(Migrations { are_known: true, ..Migrations::default() });
    }
    let own = Migration::read_all(&folder);
    let all = own.and_then(migrate::with_chassis).context("cannot read the migrations")?;
    let mut migrations = Migrations { all, ..Migrations::default() };
    if let Some((commit, repository)) = since {
        let changed = repository.changed_since(commit);
        migrations.are_known = true;
        migrations.pending =
            migrations.those(|one| changed.contains(&format!("migrations/{}/up.sql", one.name())));
        return Ok(migrations);
    }
    let Some(url) = url else { return Ok(migrations) };
    let states = match time::timeout(LIMIT, migrate::status(url, &migrations.all)).await {
        Ok(Ok(states)) => states,
        Ok(Err(error)) => {
            notes.push(format!("it is not known which migrations are applied: {error}"));
            return Ok(migrations);
        }
        Err(_) => {
            notes.push(
                "it is not known which migrations are applied: the database does not answer".to_owned(),
            );
            return Ok(migrations);
        }
    };
    migrations.are_known = true;
    let has = |wanted: &dyn Fn(&State) -> bool, name: &str| {
        states.iter().any(|status| status.name == name && wanted(&status.state))
    };
    migrations.pending = migrations.those(|one| has(&|state| *state == State::Pending, one.name()));
    migrations.problems = states
        .iter()
        .filter(|status| matches!(status.state, State::Edited { .. }))
        .map(|status| {
            format!(
                "migrations/{}/up.sql was changed after it was applied: restore its text and write a new \
                 migration; `sides migration status` shows more",
                status.name
            )
        })
        .collect();
    Ok(migrations)
}

impl Migrations {
    fn those(&self, is_pending: impl Fn(&Migration) -> bool) -> Vec<Pending> {
        let facts = Facts::default();
        let pending = self.all.iter().filter(|one| is_pending(one));
        pending
            .map(|one| Pending { name: one.name().to_owned(), phase: phase(migrate::phase(one, &facts)) })
            .collect()
    }
}

/// The planner's word for it.
pub(super) fn phase(phase: Phase) -> planner::Phase {
    match phase {
        Phase::Expand => planner::Phase::Expand,
        Phase::Backfill => planner::Phase::Backfill,
        Phase::Contract => planner::Phase::Contract,
    }
}

/// In words.
pub fn phase_name(phase: planner::Phase) -> &'static str {
    match phase {
        planner::Phase::Expand => "expand",
        planner::Phase::Backfill => "backfill",
        planner::Phase::Contract => "contract",
    }
}
