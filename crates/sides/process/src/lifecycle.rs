//! The life of a process, from its arguments to its exit code.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use database::{DatabaseUrl, Pool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    Check, Definition, Environment, Process, chain, flags,
    gate::{self, Permanent},
    heartbeat::Heartbeat,
    listen,
    loops::panicked,
    metrics, ops,
    questions::Questions,
    settings::Settings,
    status::Status,
};

/// sysexits.h: something was wrong in the configuration.
const BAD_CONFIGURATION: u8 = 78;

impl Definition {
    /// Runs the process until its work ends or it is told to stop.
    pub fn run<C, W>(
        self,
        read: impl FnOnce(&mut Environment) -> C,
        work: impl FnOnce(Process, C) -> W,
    ) -> ExitCode
    where
        W: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        run(&self, read, work)
    }
}

fn run<C, W>(
    definition: &Definition,
    read: impl FnOnce(&mut Environment) -> C,
    work: impl FnOnce(Process, C) -> W,
) -> ExitCode
where
    W: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut environment = Environment::of_this_process();
    let mut settings = Settings::read(&mut environment, definition);
    let config = read(&mut environment);
    let flag = flags::read(std::env::args().skip(1));
    if let Some(answered) = flags::answer(&flag, definition, &settings, &environment) {
        return answered;
    }
    settings.logs.start();
    let Some(database) = settings.database.take().filter(|_| environment.faults().is_empty()) else {
        return refuse(definition.name, &environment);
    };
    match start(definition, &settings, &database, |process| work(process, config)) {
        Ok(()) => {
            tracing::info!("{} stopped", definition.name);
            ExitCode::SUCCESS
        }
        Err(error) if error.is::<Permanent>() => {
            tracing::error!("{} cannot start: {error}", definition.name);
            ExitCode::from(BAD_CONFIGURATION)
        }
        Err(error) => {
            tracing::error!("{} failed: {}", definition.name, chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn start<W>(
    definition: &Definition,
    settings: &Settings,
    database: &DatabaseUrl,
    work: impl FnOnce(Process) -> W,
) -> anyhow::Result<()>
where
    W: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let listener = listen::ops(settings.ops_host, settings.ops_port)?;
    let ops_address = listener.local_addr().context("the ops server has no address")?;
    let status = Status::new(definition.name, settings.release.clone(), settings.host.clone(), ops_address);
    metrics::register(&status).context("cannot set up the metrics")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(definition.threads)
        .thread_name(definition.name)
        .enable_all()
        .build()
        .context("cannot set up the runtime")?;
    ops::start(listener, status.clone(), settings.drain_limit).context("cannot set up the ops server")?;
    tracing::info!(
        process.release = status.release,
        process.instance = %status.instance,
        process.pid = status.pid,
        database = %database,
        ops.address = %ops_address,
        "{} starts", definition.name
    );
    let done = runtime.block_on(live(definition, settings, database, &status, work));
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

async fn live<W>(
    definition: &Definition,
    settings: &Settings,
    database: &DatabaseUrl,
    status: &Arc<Status>,
    work: impl FnOnce(Process) -> W,
) -> anyhow::Result<()>
where
    W: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    tokio::spawn(status.pulse.clone().beat());
    let check = status.health.check("database");
    let started = status.health.check("start");
    let manifest = definition.declaration.manifest(definition.name, settings.commit.as_deref());
    let opened = tokio::select! {
        opened = gate::open(database, settings, &manifest, &check) => opened?,
        () = status.drain.started() => return Ok(()),
    };
    let database = opened.direct;
    let pool =
        database::limited_pool(&opened.pooled, settings.pool_size, settings.limits, opened.takes_settings);
    metrics::register_pool(&status.metrics, pool.clone()).context("cannot set up the metrics")?;

    let stop = CancellationToken::new();
    let questions = settings.limits.statement.map(|limit| Questions {
        check: status.health.check("queries"),
        tables: manifest.tables.keys().cloned().collect(),
        pool: pool.clone(),
        limit,
    });
    // Ends with the runtime: nobody waits for what it asks.
    let questions = questions.map(|questions| tokio::spawn(questions.run()));
    let heartbeat = Heartbeat { status: status.clone(), database: database.clone(), check, manifest };
    let mut heartbeat = tokio::spawn(heartbeat.run(stop.clone()));
    let mut work = tokio::spawn(begin(work(process(settings, status, database, pool)), started));
    let done = tokio::select! {
        done = &mut work => done.unwrap_or_else(|panic| Err(anyhow::anyhow!(panicked(panic)))),
        _ = &mut heartbeat => Err(anyhow::anyhow!("the heartbeat ended unexpectedly")),
    };
    status.drain.start();
    questions.iter().for_each(JoinHandle::abort);
    status.loops.ended().await;
    if !heartbeat.is_finished() {
        stop.cancel();
        heartbeat.await.context("the heartbeat panicked")?;
    }
    done?;
    match status.loops.failures() {
        failures if failures.is_empty() => Ok(()),
        failures => Err(anyhow::anyhow!(failures.join("; "))),
    }
}

fn process(settings: &Settings, status: &Arc<Status>, database: DatabaseUrl, pool: Pool) -> Process {
    Process {
        name: status.process,
        instance: status.instance,
        release: status.release.clone(),
        database,
        pool,
        drain: status.drain.clone(),
        health: status.health.clone(),
        metrics: status.metrics.clone(),
        drain_limit: settings.drain_limit,
        status: status.clone(),
    }
}

/// Runs the work; it has started once it first had to wait, and has named its own checks by then.
async fn begin(work: impl Future<Output = anyhow::Result<()>>, started: Check) -> anyhow::Result<()> {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done,
        () = std::future::ready(()) => started.pass(),
    }
    work.await
}

fn refuse(name: &str, environment: &Environment) -> ExitCode {
    for fault in environment.faults() {
        tracing::error!(config.variable = fault.name, "{fault}");
    }
    let count = environment.faults().len();
    tracing::error!(
        "{name} cannot start: errors in its configuration: {count}; {name} --help lists every variable"
    );
    ExitCode::from(BAD_CONFIGURATION)
}
