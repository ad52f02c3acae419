//! The planner's input, from the kept programs, the schema and the queue.

use anyhow::{Context as _, ensure};
use database::DatabaseUrl;
use planner::{CATALOGUE_SQL, Catalogue, Manifest, Process, SchemaStep, World};
use platform::{local::control, procfile};
use schema::instances;

use super::{build::Pending, jobs, unmanaged};
use crate::places::Places;
use workspace::{
    Answer, ask_manifest,
    releases::{Digest, Set, Store},
};

/// The world, and the programs that did not say what they need.
pub(super) struct Seen {
    pub(super) world: World,
    pub(super) silent: Vec<Silent>,
    /// What a person should know of it.
    pub(super) notes: Vec<String>,
}

/// A release that does not say what it needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Silent {
    /// The process and the release.
    pub(super) name: String,
    /// Whether it runs when everything is as wanted, and not only until it is replaced.
    pub(super) stays: bool,
}

/// Whom to ask what a release needs.
struct Asked<'a> {
    places: &'a Places,
    store: &'a Store,
    client: &'a tokio_postgres::Client,
}

/// Looks at everything that a plan depends on. `wanted` names what shall run; a process it does not name stays.
pub(super) async fn look(
    places: &Places,
    store: &Store,
    url: &DatabaseUrl,
    running: &Set,
    wanted: &Set,
    pending: &[Pending],
) -> anyhow::Result<Seen> {
    let client = database::client(&url.with_application_name("sides plan")).await?;
    let asked = Asked { places, store, client: &client };
    let mut silent = Vec::new();
    let mut processes = Vec::new();
    let mut names: Vec<&String> = running.keys().chain(wanted.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let stays = wanted.get(name).is_none_or(|wanted| running.get(name) == Some(wanted));
        let live = match running.get(name) {
            Some(digest) => vec![asked.manifest(name, digest, stays, &mut silent).await?],
            None => Vec::new(),
        };
        let wanted = match wanted.get(name) {
            Some(digest) => Some(asked.manifest(name, digest, true, &mut silent).await?),
            None => live.first().cloned(),
        };
        processes.push(Process { name: name.clone(), live, wanted });
    }
    processes.sort_by_cached_key(|process| (place(process), process.name.clone()));
    let answer: String = client.query_one(CATALOGUE_SQL, &[]).await.context("cannot read the schema")?.get(0);
    let catalogue = Catalogue::read(&answer).context("cannot parse the schema")?;
    let jobs::Seen { waiting, shapes, schedules } = jobs::waiting(&client).await?;
    let host = control::status(&store.run_folder()).await.ok().flatten();
    let mut notes = Vec::new();
    for (process, release) in unmanaged::left_behind(host.as_ref(), places) {
        let Some(digest) = Digest::parse(&release) else { continue };
        let mut manifest = asked.manifest(&process, &digest, true, &mut silent).await?;
        manifest.process = format!("{process} on this machine");
        notes.push(format!(
            "{} is still running: `sides scale {process} 0 --here` stops it",
            manifest.process
        ));
        let (name, live) = (manifest.process.clone(), vec![manifest.clone()]);
        processes.push(Process { name, live, wanted: Some(manifest) });
    }
    for instance in unmanaged::instances(&client, host.as_ref(), places.kept().await?).await? {
        if instance.is_silent {
            silent.push(Silent { name: instance.manifest.process.clone(), stays: true });
        }
        let (name, live) = (instance.manifest.process.clone(), vec![instance.manifest.clone()]);
        processes.push(Process { name, live, wanted: Some(instance.manifest) });
    }
    let steps = pending.iter().map(step).collect::<anyhow::Result<_>>()?;
    let world = World { catalogue, steps, processes, waiting, shapes, schedules };
    Ok(Seen { world, silent, notes })
}

/// Where nothing else decides, who works jobs goes first, and who answers people goes last.
fn place(process: &Process) -> u8 {
    match process.wanted.as_ref().or(process.live.first()) {
        Some(one) if one.listens || process.name == procfile::WEB => 3,
        Some(one) if one.is_worker() => 0,
        Some(one) if one.fires => 1,
        _ => 2,
    }
}

fn step(pending: &Pending) -> anyhow::Result<SchemaStep> {
    // Expanding is safe by what it is; to take something away unseen is not.
    ensure!(
        pending.changes.is_some() || pending.phase != planner::Phase::Contract,
        "{} removes something, and without a scratch database it is not known what: {}",
        pending.name,
        pending.note.as_deref().unwrap_or("none could be created")
    );
    let changes = pending.changes.clone().unwrap_or_default();
    Ok(SchemaStep { name: pending.name.clone(), phase: pending.phase, changes })
}

impl Asked<'_> {
    /// What a kept program says of itself, or what an instance of it has said where it is kept elsewhere. One that says
    /// nothing is taken to need nothing, and named.
    async fn manifest(
        &self,
        process: &str,
        digest: &Digest,
        stays: bool,
        silent: &mut Vec<Silent>,
    ) -> anyhow::Result<Manifest> {
        let said = match self.store.find(process, digest) {
            // Released from another machine: the place has the bytes.
            None if !self.places.is_local(process) => self.said_by_an_instance(process, digest).await?,
            _ => said(self.store, process, digest).await?,
        };
        Ok(said.unwrap_or_else(|| {
            let one = Silent { name: format!("{process} {digest}"), stays };
            if !silent.contains(&one) {
                silent.push(one);
            }
            Manifest::new(process, digest.as_str())
        }))
    }

    async fn said_by_an_instance(&self, process: &str, digest: &Digest) -> anyhow::Result<Option<Manifest>> {
        if !self.client.query_one(instances::EXIST, &[]).await?.get::<_, bool>(0) {
            return Ok(None);
        }
        let rows = self.client.query(instances::MANIFEST_OF, &[&process, &digest.to_string()]).await;
        let rows = rows.context("cannot read the manifests of the instances")?;
        let said = rows.first().and_then(|row| serde_json::from_str(row.get(0)).ok());
        Ok(said.map(|manifest| named(manifest, process, digest)))
    }
}

/// What a kept program says of itself, or nothing when it says nothing. A build of which an earlier one said what it needs
/// is not taken to need nothing because a busy machine did not let it answer.
pub(super) async fn said(store: &Store, process: &str, digest: &Digest) -> anyhow::Result<Option<Manifest>> {
    let said = match store.manifest(process, digest) {
        Some(manifest) => Some(manifest),
        None => match ask_manifest(&store.program(process, digest)?).await {
            Answer::Said(manifest) => {
                store.note_manifest(process, digest, &manifest);
                Some(*manifest)
            }
            Answer::Late if store.has_manifests(process) => anyhow::bail!(
                "{process} {digest} did not answer --manifest in time, although an earlier build did, so what it needs is \
                 unknown; if the machine is busy, release again later"
            ),
            Answer::Nothing | Answer::Late => None,
        },
    };
    Ok(said.map(|manifest| named(manifest, process, digest)))
}

/// A process is known by its Procfile, a release by the digest it is kept under.
fn named(mut manifest: Manifest, process: &str, digest: &Digest) -> Manifest {
    process.clone_into(&mut manifest.process);
    digest.as_str().clone_into(&mut manifest.digest);
    manifest
}
