//! What is live, wherever it runs: the old side of a rehearsal.
//!
//! What this machine's host runs is known here. A place that `deploy/targets.toml` names is asked, when there is a token
//! for it, and nothing is changed there; otherwise the rows count that its instances write (`heard`). On the stage all of it
//! runs on this machine, as far as its bytes are kept here (`there`).

use std::collections::BTreeMap;

use anyhow::bail;
use database::DatabaseUrl;
use platform::{
    procfile,
    targets::{MIGRATE, Targets},
};

use super::{
    heard::Heard,
    remote::{Found, There},
};
use crate::{
    places::{self, Places},
    release::{KnownBy, Rehearsal},
};
use workspace::{
    Workspace,
    control::{self, DevStatus},
    releases::{Digest, Set, Store},
};

/// What the stage begins with.
pub(super) struct Live {
    pub(super) running: Set,
    pub(super) rehearsal: Rehearsal,
}

/// The host of this machine, when one runs.
pub(super) async fn host(workspace: &Workspace) -> anyhow::Result<Option<DevStatus>> {
    match control::status(workspace).await? {
        Some(status) if !status.is_host => {
            bail!("dev is running here, not a release: there is nothing to rehearse against")
        }
        status => Ok(status),
    }
}

/// Looks at everything that runs, and changes nothing. What is kept in the store by now can be on the stage.
pub(super) async fn look(
    workspace: &Workspace,
    store: &Store,
    url: &DatabaseUrl,
    host: Option<&DevStatus>,
    built: &Set,
) -> anyhow::Result<Live> {
    let targets = workspace::targets(workspace)?;
    let mut rehearsal = Rehearsal::default();
    let there = processes(&targets);
    let mut running = store.running()?;
    running.retain(|process, _| !there.contains_key(process));
    if there.is_empty() && targets.heroku().iter().all(|(_, _, apps)| apps.is_empty()) {
        return Ok(Live { running, rehearsal });
    }
    let asked = asked(workspace, there.keys()).await;
    let heard = Heard::open(url).await?;
    if let Err(error) = &asked {
        rehearsal.notes.push(format!(
            "the places of deploy/targets.toml could not be asked; what runs there is taken from the database: \
             {error:#}"
        ));
    }
    for (process, (place, has_preboot)) in &there {
        let found = match &asked {
            Ok(asked) => Found { release: asked.releases.get(process).cloned(), by: KnownBy::Place },
            Err(_) => heard.of(process),
        };
        let surges = match &asked {
            Ok(asked) => asked.places.place_of(process).abilities(process).surges,
            Err(_) => *has_preboot && process == procfile::WEB,
        };
        let left_behind = host.and_then(|host| Digest::parse(host.release_of(process)?));
        let there =
            There { process, place, surges, found, is_built: built.contains_key(process), left_behind };
        let origin = match &there.found.release {
            Some(release) => heard.origin(process, release).await?,
            None => Default::default(),
        };
        let kept = |release: &str| store.starting_with(process, release);
        if let Some(digest) = there.tell(kept, &origin, &mut rehearsal) {
            running.insert(process.clone(), digest);
        }
    }
    rehearsal.not_rehearsed.extend(never_on_a_stage(&targets));
    Ok(Live { running, rehearsal })
}

/// What stays at the places, whatever runs there.
fn never_on_a_stage(targets: &Targets) -> Vec<String> {
    let mut lines = Vec::new();
    for (place, _, apps) in targets.heroku() {
        if apps.contains_key(MIGRATE) {
            lines.push(format!("migrations run at {place}; those of the stage run on this machine"));
        }
        if !apps.is_empty() {
            lines.push(format!(
                "the stage has neither the router nor the limits nor the settings of {place}: pass the settings \
                 that the programs need with --env NAME"
            ));
        }
    }
    lines
}

/// The processes of other places, each with the place and whether that is set up with preboot.
fn processes(targets: &Targets) -> BTreeMap<String, (String, bool)> {
    let all = targets.heroku().into_iter().flat_map(|(name, place, apps)| {
        let its = apps.into_keys().filter(|process| process != MIGRATE);
        its.map(move |process| (process, (name.to_owned(), place.preboot)))
    });
    all.collect()
}

/// What the places answered.
struct Asked {
    places: Places,
    /// By process; a process that is not in it runs nowhere.
    releases: BTreeMap<String, String>,
}

/// A place that does not answer is no reason not to rehearse.
async fn asked(workspace: &Workspace, processes: impl Iterator<Item = &String>) -> anyhow::Result<Asked> {
    places::answer(async {
        let places = Places::read(workspace).await?;
        let mut releases = BTreeMap::new();
        for process in processes {
            if let Some(release) = places.release_at(process).await? {
                releases.insert(process.clone(), release);
            }
        }
        Ok(Asked { places, releases })
    })
    .await
}
