//! `sides jobs retry`, `unpark`, `cancel`, `discard`, `pause`, `resume`

use anyhow::Context as _;
use database::Connection;
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Array, Bool, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use serde_json::json;
use uuid::Uuid;

use super::{
    command::{ChangeOptions, ScopeOptions},
    rows,
};
use crate::names;
use workspace::{Outcome, actor};

const STALE: &str = "nothing was changed; is the schema up to date? run `sides migration up`";

/// Something that is done to jobs.
pub(super) struct Change {
    /// To jobs that are named.
    named: &'static str,
    /// To all of a kind or a queue that stand so that it makes sense.
    all: &'static str,
    /// What happens to a job.
    done: &'static str,
    /// What kind of job it can be done to.
    of: &'static str,
}

/// The function in the database that does it, and what stands so that it makes sense.
macro_rules! change {
    ($function:literal, $which:literal, $done:literal, $of:literal) => {
        Change {
            named: concat!("SELECT job FROM ", $function, "($1, $2, $3) AS job"),
            all: concat!(
                "SELECT job FROM ",
                $function,
                "(ARRAY(SELECT id FROM sides.fang_tasks \
                 WHERE ($1 IS NULL OR kind = $1) AND ($2 IS NULL OR task_type = $2) AND ",
                $which,
                "), $3, $4) AS job"
            ),
            done: $done,
            of: $of,
        }
    };
}

pub(super) const RETRY: Change = change!(
    "sides.retry_jobs",
    "(state = 'failed' OR parked_by IS NOT NULL)",
    "will be tried again",
    "has failed for good or is parked"
);
pub(super) const UNPARK: Change =
    change!("sides.unpark_jobs", "parked_by IS NOT NULL", "waits for a worker again", "is parked");
pub(super) const CANCEL: Change =
    change!("sides.cancel_jobs", "true", "is cancelled, or told to stop if it is running", "has not ended");
pub(super) const DISCARD: Change = change!(
    "sides.discard_jobs",
    "(state = 'failed' OR parked_by IS NOT NULL)",
    "is discarded",
    "is neither running nor ended"
);

#[derive(QueryableByName)]
struct Done {
    #[diesel(sql_type = SqlUuid)]
    job: Uuid,
}

pub(super) async fn run(
    connection: &mut Connection,
    change: &Change,
    options: &ChangeOptions,
) -> anyhow::Result<Outcome> {
    let who = actor::am_i();
    let reason = options.reason.clone().unwrap_or_else(|| format!("asked by {who}"));
    let done: QueryResult<Vec<Done>> = if options.ids.is_empty() {
        let query = diesel::sql_query(change.all)
            .bind::<Nullable<Text>, _>(&options.kind)
            .bind::<Nullable<Text>, _>(&options.queue);
        query.bind::<Text, _>(&who).bind::<Text, _>(&reason).load(connection).await
    } else {
        let query = diesel::sql_query(change.named).bind::<Array<SqlUuid>, _>(&options.ids);
        query.bind::<Text, _>(&who).bind::<Text, _>(&reason).load(connection).await
    };
    let done: Vec<Uuid> = done.context(STALE)?.into_iter().map(|done| done.job).collect();
    let mut left = Vec::new();
    for id in options.ids.iter().filter(|id| !done.contains(id)) {
        let job = rows::find(connection, *id, false).await?;
        left.push((*id, job.map_or_else(|| "unknown".to_owned(), |job| job.state)));
    }
    if done.is_empty() && left.is_empty() {
        names::warn_of_unknown(connection, options.kind.as_deref(), options.queue.as_deref()).await;
    }
    if options.json {
        let left: Vec<_> = left.iter().map(|(id, state)| json!({ "id": id, "state": state })).collect();
        println!("{}", serde_json::to_string_pretty(&json!({ "done": done, "left": left }))?);
    } else {
        tell(change, &done, &left);
    }
    Ok(match (done.is_empty(), left.is_empty()) {
        (_, false) => Outcome::Failed,
        (true, true) => Outcome::NothingToDo,
        (false, true) => Outcome::Done,
    })
}

fn tell(change: &Change, done: &[Uuid], left: &[(Uuid, String)]) {
    for id in done {
        println!("{id} {}", change.done);
    }
    for (id, state) in left {
        match state.as_str() {
            "unknown" => eprintln!("error: there is no job {id}; `sides jobs list` lists them"),
            state => {
                eprintln!(
                    "error: {id} was not changed: its state is {state}, and this needs a job that {}",
                    change.of
                );
            }
        }
    }
    if done.is_empty() && left.is_empty() {
        println!("no matching job {}", change.of);
    }
}

#[derive(QueryableByName)]
struct Said {
    #[diesel(sql_type = Bool)]
    is_new: bool,
}

pub(super) async fn pause(connection: &mut Connection, options: &ScopeOptions) -> anyhow::Result<Outcome> {
    let (scope, name) = options.scope.parts();
    let news = set(connection, "SELECT sides.pause_jobs($1, $2, $3, $4) AS is_new", options).await?;
    say(
        options,
        news,
        &match news {
            true => format!(
                "paused {scope} {name}: none of its jobs will start; resume it with: sides jobs resume --{scope} \
                 {name}"
            ),
            false => format!("{scope} {name} is already paused"),
        },
    )
}

pub(super) async fn resume(connection: &mut Connection, options: &ScopeOptions) -> anyhow::Result<Outcome> {
    let (scope, name) = options.scope.parts();
    let news = set(connection, "SELECT sides.resume_jobs($1, $2, $3, $4) AS is_new", options).await?;
    say(
        options,
        news,
        &match news {
            true => format!("resumed {scope} {name}"),
            false => format!("{scope} {name} was not paused"),
        },
    )
}

async fn set(connection: &mut Connection, sql: &str, options: &ScopeOptions) -> anyhow::Result<bool> {
    let (scope, name) = options.scope.parts();
    // Before the rule itself makes it known.
    names::warn_of_unknown(connection, options.scope.kind.as_deref(), options.scope.queue.as_deref()).await;
    let query = diesel::sql_query(sql).bind::<Text, _>(scope).bind::<Text, _>(name);
    let query = query.bind::<Text, _>(actor::am_i()).bind::<Nullable<Text>, _>(&options.reason);
    let said: QueryResult<Said> = query.get_result(connection).await;
    Ok(said.context(STALE)?.is_new)
}

fn say(options: &ScopeOptions, news: bool, text: &str) -> anyhow::Result<Outcome> {
    if options.json {
        let (scope, name) = options.scope.parts();
        println!(
            "{}",
            serde_json::to_string_pretty(&json!({ "scope": scope, "name": name, "changed": news }))?
        );
    } else {
        println!("{text}");
    }
    Ok(Outcome::Done)
}
