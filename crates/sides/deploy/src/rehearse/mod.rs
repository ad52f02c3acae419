//! `sides rehearse`: the whole release beside the live one, before it.
//!
//! A stage is set in a temporary folder (`stage`): a private Postgres with the schema as it is live and none of its rows,
//! the live builds and the new ones, and a host of its own that runs the live ones, also those of other places (`live`).
//! Jobs of the kinds that both sides know are enqueued all the while (`jobs`). Then the very same `sides release` is carried out there, under its own prober, and
//! prints its receipt. Nothing that is live is changed: it is only asked which migrations it has.

mod heard;
pub(crate) mod jobs;
mod live;
mod remote;
pub(crate) mod stage;

use anyhow::{Context as _, bail};
use migrate::{Migration, State};

use crate::{
    progress::Progress,
    release::{Prepared, Watching, build_release},
};
use jobs::Load;
use live::Live;
use stage::Stage;
use workspace::{
    Outcome, Stop, Workspace, named_database,
    releases::{Set, Store},
};

/// What is rehearsed, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// Only these processes; none is all of them.
    pub only: Vec<String>,
    /// Variables that the programs need: `NAME` as it is here, or `NAME=VALUE`.
    pub environment: Vec<String>,
    /// Whether jobs are made up and enqueued meanwhile.
    pub makes_jobs: bool,
    /// How the release on the stage is watched.
    pub watching: Watching,
    /// Whether that release prints its receipt as JSON.
    pub json: bool,
}

/// The exit code of a release that went well.
const DONE: i32 = 0;

/// What there is to say of a rehearsal that was stopped.
const INTERRUPTED: &str = "interrupted; nothing live was touched";

/// Rehearses. The outcome is that of the release on the stage.
///
/// # Errors
/// When the stage cannot be set, or the rehearsal is interrupted.
pub async fn run(
    workspace: &Workspace,
    options: &Options,
    progress: &dyn Progress,
) -> anyhow::Result<Outcome> {
    // From the very beginning: the stage has to be struck whatever it is at.
    let stop = Stop::listen()?;
    let store = Store::open(workspace)?;
    let (applied, live, mut prepared) = tokio::select! {
        read = read(workspace, &store, options, progress) => read?,
        () = stop.asked() => bail!(INTERRUPTED),
    };
    let note = |text: String| progress.notice(&text);
    note(format!(
        "rehearsing on a private Postgres with the {} migrations that are applied live",
        applied.len()
    ));
    let Live { running, rehearsal } = live;
    rehearsal.lines().for_each(&note);
    prepared.rehearsal = Some(rehearsal);
    let mut stage = Stage::set(workspace, &store, &running, &prepared, &options.environment).await?;
    let played = tokio::select! {
        played = play(&mut stage, options, &applied, &running, progress) => played,
        () = stop.asked() => Err(anyhow::anyhow!(INTERRUPTED)),
    };
    stage.strike(&stop).await;
    let outcome = played?;
    note("This was a rehearsal: nothing live was changed.".to_owned());
    Ok(outcome)
}

/// What is live, and what shall be.
async fn read(
    workspace: &Workspace,
    store: &Store,
    options: &Options,
    progress: &dyn Progress,
) -> anyhow::Result<(Vec<Migration>, Live, Prepared)> {
    let url = named_database()?
        .context("DATABASE_URL is not set: set it to the live database, whose schema the rehearsal uses")?;
    let folder = workspace.root().join("migrations");
    let own = if folder.is_dir() { Migration::read_all(&folder) } else { Ok(Vec::new()) };
    let all = own.and_then(migrate::with_chassis).context("cannot read the migrations")?;
    let applied = applied(&migrate::status(&url, &all).await?, all)?;
    let host = live::host(workspace).await?;
    let prepared = build_release(workspace, store, progress, &options.only).await?;
    // Behind the build: what was just built may be what runs.
    let live = live::look(workspace, store, &url, host.as_ref(), &prepared.set).await?;
    Ok((applied, live, prepared))
}

async fn play(
    stage: &mut Stage,
    options: &Options,
    applied: &[Migration],
    running: &Set,
    progress: &dyn Progress,
) -> anyhow::Result<Outcome> {
    stage.start(applied).await?;
    stage.wait_until_it_runs(running).await?;
    let load = match options.makes_jobs {
        false => None,
        true => {
            let text = "the jobs are generated: one that fails because the rows it names do not exist counts as failed";
            progress.notice(text);
            Some(Load::start(stage.url(), stage.manifests().await))
        }
    };
    let code = stage.release(options).await?;
    // Old builds on the new schema, too: what the plan calls a way back is walked.
    let back = if code == DONE { stage.back(options).await? } else { DONE };
    drop(load);
    Ok(match code {
        DONE => way_back(progress, back),
        5 => Outcome::NothingToDo,
        6 => Outcome::Undone,
        7 => Outcome::Partial,
        8 => Outcome::Refused,
        _ => Outcome::Failed,
    })
}

/// What the rehearsed way back says of the release.
fn way_back(progress: &dyn Progress, code: i32) -> Outcome {
    let (outcome, text) = match code {
        DONE | 5 => (Outcome::Done, "the rollback was rehearsed, too, and succeeds".to_owned()),
        8 => {
            (Outcome::Done, "there is no way back after this release: `sides rollback` is refused".to_owned())
        }
        code => {
            (Outcome::Partial, format!("the release succeeds, but its rollback does not (exit code {code})"))
        }
    };
    match outcome {
        Outcome::Done => progress.notice(&text),
        _ => progress.fault(&text),
    }
    outcome
}

/// What the live database has, in its order.
fn applied(states: &[migrate::Status], all: Vec<Migration>) -> anyhow::Result<Vec<Migration>> {
    for status in states {
        match status.state {
            State::Unknown { .. } => bail!(
                "the live database has the migration {}, which is not in this checkout, so the schema cannot be \
                 recreated; rehearse from a checkout that has it",
                status.name
            ),
            State::Edited { .. } => bail!(
                "migrations/{} was changed after it was applied live: restore its text; `sides migration status` \
                 shows more",
                status.name
            ),
            State::Applied { .. } | State::Pending => {}
        }
    }
    let is_applied = |migration: &Migration| {
        states.iter().any(|one| one.name == migration.name() && matches!(one.state, State::Applied { .. }))
    };
    Ok(all.into_iter().filter(is_applied).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(name: &str, state: State) -> migrate::Status {
        migrate::Status { name: name.to_owned(), state }
    }

    #[test]
    fn only_what_is_live_is_made_again_and_only_when_all_of_it_can_be() {
        let all = || vec![Migration::new("1_a", "SELECT 1", ""), Migration::new("2_b", "SELECT 1", "")];
        let at = || "then".to_owned();
        let states = [status("1_a", State::Applied { at: at() }), status("2_b", State::Pending)];
        let names: Vec<String> =
            applied(&states, all()).unwrap().iter().map(|one| one.name().to_owned()).collect();
        assert_eq!(names, ["1_a"]);
        let unknown = [status("3", State::Unknown { at: at() })];
        assert!(applied(&unknown, all()).unwrap_err().to_string().contains("has the migration 3"));
        let edited = [status("1_a", State::Edited { at: at() })];
        assert!(applied(&edited, all()).is_err());
    }
}
