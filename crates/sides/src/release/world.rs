//! What the planner is told: asked of the kept programs, the schema and the queue.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, ensure};
use database::DatabaseUrl;
use platform::local::{bind_to_supervisor, control};
use release::{CATALOGUE_SQL, Catalogue, Manifest, Process, SchemaStep, World};
use tokio::{process::Command, time};

use super::{build::Pending, elsewhere, jobs};
use crate::releases::{Digest, Set, Store};

/// A program that is only asked what it is answers at once.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The world, and the programs that did not say what they need.
pub(super) struct Seen {
    pub(super) world: World,
    pub(super) silent: Vec<Silent>,
}

/// A release that does not say what it needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Silent {
    /// The process and the release.
    pub(super) name: String,
    /// Whether it runs when everything is as wanted, and not only until it is replaced.
    pub(super) stays: bool,
}

/// Looks at everything that a plan depends on. `wanted` names what shall run; a process it does not name stays.
pub(super) async fn look(
    store: &Store,
    url: &DatabaseUrl,
    running: &Set,
    wanted: &Set,
    pending: &[Pending],
) -> anyhow::Result<Seen> {
    let mut silent = Vec::new();
    let mut processes = Vec::new();
    let mut names: Vec<&String> = running.keys().chain(wanted.keys()).collect();
    names.sort_by_key(|name| (place(name), *name));
    names.dedup();
    for name in names {
        let stays = wanted.get(name).is_none_or(|wanted| running.get(name) == Some(wanted));
        let live = match running.get(name) {
            Some(digest) => vec![manifest(store, name, digest, stays, &mut silent).await?],
            None => Vec::new(),
        };
        let wanted = match wanted.get(name) {
            Some(digest) => Some(manifest(store, name, digest, true, &mut silent).await?),
            None => live.first().cloned(),
        };
        processes.push(Process { name: name.clone(), live, wanted });
    }
    let client = database::client(&url.with_application_name("sides plan")).await?;
    let answer: String =
        client.query_one(CATALOGUE_SQL, &[]).await.context("the schema cannot be read")?.get(0);
    let catalogue = Catalogue::read(&answer).context("the schema is not understood")?;
    let jobs::Seen { waiting, shapes, schedules } = jobs::waiting(&client).await?;
    let host = control::status(&store.run_folder()).await.ok().flatten();
    for copy in elsewhere::copies(&client, host.as_ref()).await? {
        if copy.is_silent {
            silent.push(Silent { name: copy.manifest.process.clone(), stays: true });
        }
        let (name, live) = (copy.manifest.process.clone(), vec![copy.manifest.clone()]);
        processes.push(Process { name, live, wanted: Some(copy.manifest) });
    }
    let steps = pending.iter().map(step).collect::<anyhow::Result<_>>()?;
    Ok(Seen { world: World { catalogue, steps, processes, waiting, shapes, schedules }, silent })
}

/// Where nothing else decides, who works jobs goes first, and who answers people goes last.
fn place(process: &str) -> u8 {
    match process {
        "worker" => 0,
        "clock" => 1,
        "web" => 3,
        _ => 2,
    }
}

fn step(pending: &Pending) -> anyhow::Result<SchemaStep> {
    // Expanding is safe by what it is; to take something away unseen is not.
    ensure!(
        pending.changes.is_some() || pending.phase != release::Phase::Contract,
        "{} takes something away, and what cannot be seen without a scratch database: {}",
        pending.name,
        pending.note.as_deref().unwrap_or("none could be made")
    );
    let changes = pending.changes.clone().unwrap_or_default();
    Ok(SchemaStep { name: pending.name.clone(), phase: pending.phase, changes })
}

/// What a kept program says of itself. One that says nothing is taken to need nothing, and named.
async fn manifest(
    store: &Store,
    process: &str,
    digest: &Digest,
    stays: bool,
    silent: &mut Vec<Silent>,
) -> anyhow::Result<Manifest> {
    Ok(said(store, process, digest).await?.unwrap_or_else(|| {
        let one = Silent { name: format!("{process} {digest}"), stays };
        if !silent.contains(&one) {
            silent.push(one);
        }
        Manifest::new(process, digest.as_str())
    }))
}

/// The same, or nothing when it says nothing.
pub(super) async fn said(store: &Store, process: &str, digest: &Digest) -> anyhow::Result<Option<Manifest>> {
    let Some(mut manifest) = ask(&store.program(process, digest)?).await else { return Ok(None) };
    // A process is known by its Procfile, a release by the digest it is kept under.
    process.clone_into(&mut manifest.process);
    digest.as_str().clone_into(&mut manifest.digest);
    Ok(Some(manifest))
}

/// What a program says of itself; nothing when it does not know the question.
pub(crate) async fn ask(program: &Path) -> Option<Manifest> {
    let mut command = Command::new(program);
    // Without its settings, so that a program which does not know the question cannot begin to work.
    command.arg("--manifest").env_clear().stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    bind_to_supervisor(&mut command, None);
    let output = time::timeout(ANSWER_LIMIT, command.output()).await.ok()?.ok()?;
    serde_json::from_slice(&output.stdout).ok()
}
