//! The door to the places that the processes run on. Every order goes through here and has a row in the ledger, with
//! its reason and what became of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use database::Connection;
use diesel::{QueryableByName, sql_types::Bool};
use diesel_async::RunQueryDsl as _;
use platform::{
    place::{Abilities, Instance as Copy, InstanceState, Place, PlaceError, Which, Why},
    routes::Routes,
};
use process::Process;
use tokio::time::timeout;

use crate::{
    copy,
    watch::{ledger, roster::Instance},
};

/// What a place may take to say what runs.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// The same of one that is far away.
const FAR_LIMIT: Duration = Duration::from_secs(10);
/// What an order may take there. One on this machine has its end within a minute by itself.
const ORDER_LIMIT: Duration = Duration::from_secs(240);

/// What a place is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// A new copy in place of this one.
    Restart { process: String, copy: String },
    /// So many copies.
    Scale { process: String, count: u32 },
}

/// The places, and who speaks to them. Clones share what they have heard.
#[derive(Clone)]
pub(crate) struct Door {
    routes: Routes,
    pub(crate) process: Process,
    heard: Arc<Mutex<HashMap<String, Heard>>>,
}

/// What a place said of a process; nothing when it did not answer.
struct Heard {
    at: Instant,
    copies: Option<Vec<Copy>>,
}

/// The lock that a release holds on the database of its ledger: the bytes of "side" and "srel".
const RELEASE: &str = "\
SELECT EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid = x'73696465'::int AND objid = x'7372656c'::int
) AS answer";

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

/// Whether a release or a rollback goes on: until it has ended, nobody else replaces anything.
pub(crate) async fn release_goes_on(connection: &mut Connection) -> diesel::QueryResult<bool> {
    let answer: Answer = diesel::sql_query(RELEASE).get_result(connection).await?;
    Ok(answer.answer)
}

impl Door {
    pub(crate) fn new(routes: Routes, process: Process) -> Self {
        Self { routes, process, heard: Arc::default() }
    }

    /// What the place of a process can do for it; `None` when no place here runs it.
    pub(crate) fn abilities(&self, process: &str) -> Option<Abilities> {
        self.routes.place_of(process).map(|place| place.abilities(process))
    }

    /// The copy that may be replaced; `None` for one that is not there, or whose place is at it already. `here` is this
    /// machine. What was heard a moment ago will do: the order is about this very copy, or about none.
    pub(crate) async fn copy_to_restart(&self, instance: &Instance, here: &str) -> Option<Copy> {
        let copies = self.copies(&instance.process).await?;
        let copy = copy::of(&copies, instance, here)?;
        let is_left_alone =
            matches!(copy.state, InstanceState::Crashed | InstanceState::Starting | InstanceState::Draining);
        (!is_left_alone).then(|| copy.clone())
    }

    /// What runs of a process, as its place said so lately that asking again is not worth it.
    pub(crate) async fn copies(&self, process: &str) -> Option<Vec<Copy>> {
        let place = self.routes.place_of(process)?;
        if let Some(heard) = self.heard().get(process)
            && heard.at.elapsed() < place.holds_for()
        {
            return heard.copies.clone();
        }
        self.ask(process, place.as_ref()).await
    }

    /// What runs of a process now: before anything is changed.
    pub(crate) async fn copies_now(&self, process: &str) -> Option<Vec<Copy>> {
        self.ask(process, self.routes.place_of(process)?.as_ref()).await
    }

    async fn ask(&self, process: &str, place: &dyn Place) -> Option<Vec<Copy>> {
        let limit = if is_far(place) { FAR_LIMIT } else { ANSWER_LIMIT };
        let copies = match timeout(limit, place.instances(process)).await {
            Ok(Ok(copies)) => Ok(copies),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("{} does not answer within {} s", place.name(), limit.as_secs())),
        };
        if let Err(why) = &copies {
            tracing::warn!(process, "nothing can be changed: {why}");
        }
        let copies = copies.ok();
        self.heard().insert(process.to_owned(), Heard { at: Instant::now(), copies: copies.clone() });
        copies
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, HashMap<String, Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out an order that is written down as this row, and writes what became of it.
    pub(crate) async fn carry_out(&self, row: i64, order: Order, reason: &str) -> Result<(), PlaceError> {
        let (Order::Restart { process, .. } | Order::Scale { process, .. }) = &order;
        let begun = Instant::now();
        let done = match self.routes.place_of(process) {
            Some(place) => {
                let done = self.give(place.as_ref(), &order, reason).await;
                done.map(|()| format!("done in {:.1} s by {}", begun.elapsed().as_secs_f64(), place.name()))
            }
            None => {
                Err(PlaceError::UnknownProcess { place: "the clock".to_owned(), process: process.clone() })
            }
        };
        self.heard().remove(process);
        let outcome = match &done {
            Ok(outcome) => outcome.clone(),
            Err(error @ PlaceError::Unreachable { .. }) => format!("not known: {error}"),
            Err(error) => format!("not done: {error}"),
        };
        tracing::warn!(?order, reason, "{outcome}");
        if let Err(error) = self.conclude(row, &outcome).await {
            tracing::warn!(action.id = row, "an outcome is not written: {outcome}: {error:#}");
        }
        done.map(drop)
    }

    async fn give(&self, place: &dyn Place, order: &Order, reason: &str) -> Result<(), PlaceError> {
        let why = Why { asked_by: format!("clock {}", self.process.instance), reason: reason.to_owned() };
        let given = async {
            match order {
                Order::Restart { process, copy } => {
                    place.restart(process, Which::One(copy.clone()), &why).await
                }
                Order::Scale { process, count } => place.scale(process, *count, &why).await,
            }
        };
        if !is_far(place) {
            return given.await;
        }
        timeout(ORDER_LIMIT, given).await.unwrap_or_else(|_| {
            let reason = format!("no end of it was seen within {} s", ORDER_LIMIT.as_secs());
            Err(PlaceError::Unreachable { place: place.name().to_owned(), reason })
        })
    }

    async fn conclude(&self, row: i64, outcome: &str) -> anyhow::Result<()> {
        let mut connection = self.process.pool.get().await?;
        Ok(ledger::conclude(&mut connection, row, outcome).await?)
    }
}

/// Whether asking costs more than a moment.
fn is_far(place: &dyn Place) -> bool {
    !place.holds_for().is_zero()
}
