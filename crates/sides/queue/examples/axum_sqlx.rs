//! The queue in an application that has axum and sqlx: its tables, a job in the application's own transaction, a worker.

use std::{env, error::Error, fmt::Display, time::Duration};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use serde::{Deserialize, Serialize};
use sides_queue::{self as queue, Context, DatabaseUrl, Job, JobError, Registry, Runner, RunnerConfig};
use sqlx::PgPool;
use tokio::signal::unix::{SignalKind, signal};

/// A job: its kind, and its arguments.
#[derive(Serialize, Deserialize)]
struct Welcome {
    name: String,
}

impl Job for Welcome {
    const KIND: &'static str = "welcome";
}

/// Its handler. It may run twice, so a second run does no harm.
async fn welcome(job: Welcome, context: Context<PgPool>) -> Result<(), JobError> {
    let sql = "UPDATE people SET welcomed = true WHERE name = $1";
    sqlx::query(sql).bind(&job.name).execute(&context.state).await?;
    Ok(())
}

/// Adds a person and enqueues the job, both or neither.
async fn sign_up(State(pool): State<PgPool>, name: String) -> Result<StatusCode, (StatusCode, String)> {
    let mut transaction = pool.begin().await.map_err(failed)?;
    let sql = "INSERT INTO people (name) VALUES ($1)";
    sqlx::query(sql).bind(&name).execute(&mut *transaction).await.map_err(failed)?;
    let job = queue::sql::job(&Welcome { name }).map_err(failed)?;
    sqlx::query(queue::sql::ENQUEUE).bind(job).execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(StatusCode::CREATED)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("DATABASE_URL")?;
    let pool = PgPool::connect(&url).await?;
    let url: DatabaseUrl = url.parse()?;

    // The queue's tables, in a schema of their own.
    queue::migrate(&url).await?;
    let sql =
        "CREATE TABLE IF NOT EXISTS people (name text PRIMARY KEY, welcomed boolean NOT NULL DEFAULT false)";
    sqlx::query(sql).execute(&pool).await?;

    // The worker: here in the same process, as well in one of its own.
    let registry = Registry::new(pool.clone()).handle::<Welcome, _>(welcome);
    let runner = Runner::new(url, registry, RunnerConfig::default());
    let worker = tokio::spawn(runner.run_until(terminated(), Duration::from_secs(20)));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let app = Router::new().route("/people", post(sign_up)).with_state(pool);
    axum::serve(listener, app).with_graceful_shutdown(terminated()).await?;
    worker.await??;
    Ok(())
}

/// Completes when the process is told to stop.
async fn terminated() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => drop(terminate.recv().await),
        Err(_) => std::future::pending().await,
    }
}

fn failed(error: impl Display) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
