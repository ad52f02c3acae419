//! What each release of a world does at each of its schemas and with each of its jobs, found out by trying.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use queue::{Runner, RunnerConfig};
use sides_planner::{CATALOGUE_SQL, Catalogue, Manifest, SchemaMismatch, WaitingJob, World};
use testing::{TestDatabase, wait_until};
use tokio_postgres::{Client, Row, error::SqlState};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{contracts, statements};
use crate::brute_force::{Eyes, Hands};

const DEADLINE: Duration = Duration::from_secs(60);

/// What was seen.
pub(crate) struct Tried {
    mismatches: BTreeMap<(String, usize), Vec<SchemaMismatch>>,
    hands: BTreeMap<(String, WaitingJob), Hands>,
}

impl Eyes for Tried {
    fn mismatches(&self, _: &World, manifest: &Manifest, position: usize) -> Vec<SchemaMismatch> {
        self.mismatches[&(manifest.short_name(), position)].clone()
    }

    fn hands(&self, manifest: &Manifest, job: &WaitingJob) -> Hands {
        self.hands[&(manifest.short_name(), job.clone())]
    }
}

impl Tried {
    pub(crate) async fn all_of(world: &World) -> Self {
        let releases: Vec<&Manifest> =
            world.processes.iter().flat_map(|process| process.live.iter().chain(&process.wanted)).collect();
        let mut tried = Self { mismatches: BTreeMap::new(), hands: BTreeMap::new() };
        tried.try_schemas(world, &releases).await;
        tried.try_jobs(world, &releases).await;
        tried
    }

    async fn try_schemas(&mut self, world: &World, releases: &[&Manifest]) {
        let database = TestDatabase::empty().await;
        let client = database::client(database.url()).await.unwrap();
        client.batch_execute(&statements::create(&world.catalogue)).await.unwrap();
        let catalogues = world.catalogues();
        for (position, catalogue) in catalogues.iter().enumerate() {
            if let Some(step) = position.checked_sub(1).map(|before| &world.steps[before]) {
                for change in &step.changes {
                    let sql = statements::apply(change, &catalogues[position - 1]);
                    client.batch_execute(&sql).await.unwrap();
                }
            }
            // The planner foresaw the catalogue as it now is.
            let answer: String = client.query_one(CATALOGUE_SQL, &[]).await.unwrap().get(0);
            let found = Catalogue::read(&answer).unwrap();
            let table = |catalogue: &Catalogue| catalogue.tables.get("t").cloned();
            assert_eq!(table(&found), table(catalogue), "after {position} steps of {world:#?}");
            for manifest in releases {
                let mismatches = mismatches(&client, manifest).await;
                self.mismatches.insert((manifest.short_name(), position), mismatches);
            }
        }
    }

    async fn try_jobs(&mut self, world: &World, releases: &[&Manifest]) {
        let enqueued = releases.iter().flat_map(|manifest| &manifest.enqueues);
        let mut all: BTreeSet<WaitingJob> =
            enqueued.map(|(kind, version)| WaitingJob { kind: kind.clone(), version: *version }).collect();
        all.extend(world.waiting.iter().cloned());
        all.extend(world.schedules.iter().map(|scheduled| scheduled.shape.job.clone()));
        if all.is_empty() {
            return;
        }
        let database = TestDatabase::create().await;
        let client = database::client(database.url()).await.unwrap();
        for manifest in releases {
            client.batch_execute("DELETE FROM sides.fang_tasks").await.unwrap();
            let mut jobs = Vec::new();
            for job in &all {
                let id: Uuid = client
                    .query_one(&statements::enqueue(&job.kind, job.version, 0), &[])
                    .await
                    .unwrap()
                    .get(0);
                jobs.push((job.clone(), id));
            }
            let drain = CancellationToken::new();
            let config = RunnerConfig { concurrency: 2, ..RunnerConfig::default() };
            let runner = Runner::new(database.url().clone(), contracts::registry(manifest), config);
            let running = tokio::spawn(runner.run(drain.clone(), DEADLINE));
            // Enqueued last and of no higher priority: when it has ended, the others have been looked at.
            let bell: Uuid = client.query_one(&statements::enqueue("bell", 1, 0), &[]).await.unwrap().get(0);
            wait_until("the bell rings", DEADLINE, async || fate(&client, bell).await == Some(Hands::Work))
                .await;
            drain.cancel();
            running.await.unwrap().unwrap();
            for (job, id) in jobs {
                let fate = fate(&client, id).await.expect("a job that is worked or waits");
                self.hands.insert((manifest.short_name(), job), fate);
            }
        }
    }
}

/// What became of a job; none while it runs.
async fn fate(client: &Client, id: Uuid) -> Option<Hands> {
    let sql = "SELECT state::text, parked_by IS NOT NULL FROM sides.fang_tasks WHERE id = $1";
    let Some(row) = client.query_opt(sql, &[&id]).await.unwrap() else { return Some(Hands::Work) };
    match (row.get::<_, &str>(0), row.get(1)) {
        (_, true) => Some(Hands::Drop),
        ("new", false) => Some(Hands::None),
        _ => None,
    }
}

/// What a program of this release runs into.
async fn mismatches(client: &Client, manifest: &Manifest) -> Vec<SchemaMismatch> {
    let mut found = Vec::new();
    for (table, usage) in &manifest.tables {
        let name = |column: &str| format!("{table}.{column}");
        for (column, built_for) in &usage.columns {
            // One row, whether the table has any or not.
            match client.query_one(&format!("SELECT (SELECT {column} FROM {table} LIMIT 1)"), &[]).await {
                Ok(row) if reads(&row, built_for) => {}
                Ok(_) => {
                    found.push(SchemaMismatch::Type { column: name(column), built_for: built_for.clone() });
                }
                Err(error) => {
                    assert_eq!(error.code(), Some(&SqlState::UNDEFINED_COLUMN), "{error:?}");
                    found.push(SchemaMismatch::Missing { column: name(column) });
                }
            }
        }
        let Some(inserts) = &usage.inserts else { continue };
        let mut fills = inserts.clone();
        for column in inserts {
            if client.prepare(&statements::insert(table, [column])).await.is_err() {
                fills.remove(column);
                if !usage.columns.contains_key(column) {
                    found.push(SchemaMismatch::Missing { column: name(column) });
                }
            }
        }
        // Postgres names one column at a time.
        while let Err(error) = client.execute(&statements::insert(table, &fills), &[]).await {
            assert_eq!(error.code(), Some(&SqlState::NOT_NULL_VIOLATION), "{error:?}");
            let column = error.as_db_error().unwrap().column().unwrap().to_owned();
            found.push(SchemaMismatch::Required { column: name(&column) });
            assert!(fills.insert(column), "{error:?}");
        }
        client.batch_execute(&format!("DELETE FROM {table}")).await.unwrap();
    }
    found
}

/// Whether a program built for this type can read the row's only value.
pub(crate) fn reads(row: &Row, built_for: &str) -> bool {
    match built_for {
        "text" => row.try_get::<_, Option<String>>(0).is_ok(),
        "int8" => row.try_get::<_, Option<i64>>(0).is_ok(),
        other => panic!("no program is built for {other}"),
    }
}
