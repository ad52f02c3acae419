//! A plan carried out on a real database while every live release works.

use std::{sync::Arc, time::Duration};

use sides_planner::{Action, Manifest, Plan, WaitingJob, World};
use testing::{TestDatabase, wait_until};
use tokio_postgres::Client;

use super::{
    program::{Errors, Program},
    statements,
};

const DEADLINE: Duration = Duration::from_secs(60);

/// What was seen.
pub(crate) struct Run {
    pub(crate) errors: Vec<String>,
    /// How often a program did everything it does.
    pub(crate) rounds: u64,
}

/// Carries `plan` out, and sees every job to its end.
pub(crate) async fn carry_out(world: &World, plan: &Plan) -> Run {
    let database = TestDatabase::create().await;
    let client = database::client(database.url()).await.unwrap();
    client.batch_execute(&statements::create(&world.catalogue)).await.unwrap();
    for job in &world.waiting {
        client.execute(&statements::enqueue(&job.kind, job.version, 0), &[]).await.unwrap();
    }
    // At any moment of the way.
    let fire = async || {
        for job in world.schedules.iter().map(|scheduled| &scheduled.shape.job) {
            client.execute(&statements::enqueue(&job.kind, job.version, 0), &[]).await.unwrap();
        }
    };
    fire().await;
    let errors = Errors::default();
    let (mut programs, mut rounds, mut position) = (Vec::new(), 0, 0);
    for manifest in world.processes.iter().flat_map(|process| &process.live) {
        programs.push(Program::start(database.url(), manifest, &errors).await);
    }
    for action in &plan.actions {
        match action {
            Action::Migrate { .. } => {
                for change in &world.steps[position].changes {
                    let sql = statements::apply(change, &world.catalogues()[position]);
                    client.batch_execute(&sql).await.unwrap();
                }
                position += 1;
            }
            Action::Await { jobs } => wait_for(&client, jobs).await,
            Action::Start { process, .. } => {
                let wanted = wanted(world, process);
                programs.push(Program::start(database.url(), wanted, &errors).await);
            }
            Action::Stop { process, digests } => {
                let is_meant = |program: &Program| {
                    program.manifest.process == *process && digests.contains(&program.manifest.digest)
                };
                let (stopping, staying): (Vec<_>, Vec<_>) = programs.into_iter().partition(is_meant);
                programs = staying;
                for program in stopping {
                    rounds += program.stop().await;
                }
            }
        }
        fire().await;
        for program in &programs {
            program.go_on().await;
        }
    }
    let misplaced = see_every_job_end(&client, programs, &mut rounds, database.url(), &errors).await;
    let mut errors = Arc::try_unwrap(errors).unwrap().into_inner().unwrap();
    errors.extend(misplaced);
    Run { errors, rounds }
}

fn wanted<'a>(world: &'a World, name: &str) -> &'a Manifest {
    let process = world.processes.iter().find(|process| process.name == name);
    process.and_then(|process| process.wanted.as_ref()).expect("what is started is wanted")
}

/// As a release does it: asked of the queue.
async fn wait_for(client: &Client, jobs: &[WaitingJob]) {
    for job in jobs {
        let sql = "SELECT count(*) FROM sides.fang_tasks WHERE kind = $1 AND version = $2";
        let version = i16::try_from(job.version).unwrap();
        wait_until("jobs of a release that is gone end", DEADLINE, async || {
            client.query_one(sql, &[&job.kind, &version]).await.unwrap().get::<_, i64>(0) == 0
        })
        .await;
    }
}

/// Those who enqueue stop; those who work go on in programs that do nothing else.
async fn see_every_job_end(
    client: &Client,
    programs: Vec<Program>,
    rounds: &mut u64,
    url: &database::DatabaseUrl,
    errors: &Errors,
) -> Vec<String> {
    let mut manifests = Vec::new();
    for program in programs {
        manifests.push(program.manifest.clone());
        *rounds += program.stop().await;
    }
    let mut workers = Vec::new();
    for manifest in manifests {
        let only_works = Manifest { tables: Default::default(), enqueues: Default::default(), ..manifest };
        workers.push(Program::start(url, &only_works, errors).await);
    }
    let left = "SELECT count(*) FROM sides.fang_tasks WHERE parked_by IS NULL";
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    let deadline = tokio::time::Instant::now() + DEADLINE;
    while client.query_one(left, &[]).await.unwrap().get::<_, i64>(0) > 0 && deadline.elapsed().is_zero() {
        pause.tick().await;
    }
    for worker in workers {
        worker.stop().await;
    }
    let mut lost = Vec::new();
    for sql in [
        "SELECT 'left behind: ' || kind || ' ' || version || coalesce(' parked by ' || parked_by, '') FROM sides.fang_tasks",
        "SELECT 'ended badly: ' || kind || ' ' || outcome FROM sides.job_history WHERE error IS NOT NULL",
        "SELECT 'tried badly: ' || outcome FROM sides.job_attempts WHERE outcome <> 'released'",
    ] {
        lost.extend(client.query(sql, &[]).await.unwrap().iter().map(|row| row.get::<_, String>(0)));
    }
    lost
}
