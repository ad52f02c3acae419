//! `sides jobs retry`, `unpark`, `cancel`, `discard`, `pause`, `resume`

use anyhow::Context as _;
use database::Connection;
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Bool, Nullable, Text},
};
use diesel_async::RunQueryDsl as _;
use schema::jobs::{
    change::{self, Which},
    seen,
};
use serde_json::json;
use uuid::Uuid;

use super::command::{ChangeOptions, ScopeOptions};
use crate::names;
use workspace::{Outcome, actor};

const STALE: &str = "nothing was changed; is the schema up to date? run `sides migration up`";

/// Something that is done to jobs, and how it reads.
pub(super) struct Change {
    what: change::Change,
    /// What happens to a job.
    done: &'static str,
    /// What kind of job it can be done to.
    of: &'static str,
}

pub(super) const RETRY: Change = Change {
    what: change::Change::Retry,
    done: "will be tried again",
    of: "has failed for good or is parked",
};
pub(super) const UNPARK: Change =
    Change { what: change::Change::Unpark, done: "waits for a worker again", of: "is parked" };
pub(super) const CANCEL: Change = Change {
    what: change::Change::Cancel,
    done: "is cancelled, or told to stop if it is running",
    of: "has not ended",
};
pub(super) const DISCARD: Change =
    Change { what: change::Change::Discard, done: "is discarded", of: "is neither running nor ended" };

pub(super) async fn run(
    connection: &mut Connection,
    change: &Change,
    options: &ChangeOptions,
) -> anyhow::Result<Outcome> {
    let who = actor::am_i();
    let reason = options.reason.clone().unwrap_or_else(|| format!("asked by {who}"));
    let which = if options.ids.is_empty() {
        Which::All { kind: options.kind.as_deref(), queue: options.queue.as_deref() }
    } else {
        Which::These(&options.ids)
    };
    let done = change.what.apply(connection, which, &who, &reason).await.context(STALE)?;
    let mut left = Vec::new();
    for id in options.ids.iter().filter(|id| !done.contains(id)) {
        let job = seen::find(connection, *id, false).await?;
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
