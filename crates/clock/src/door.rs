//! The door to the place that the processes run on. Every order goes through here and has a row in the ledger, with
//! its reason and what became of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use database::Connection;
use diesel::{QueryableByName, sql_types::Bool};
use diesel_async::RunQueryDsl as _;
use platform::place::{Instance as Copy, InstanceState, Place, Which, Why};
use process::Process;
use tokio::time::timeout;

use crate::watch::{ledger, roster::Instance};

const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// What a place is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// A new copy in place of this one.
    Restart { process: String, copy: String },
    /// So many copies.
    Scale { process: String, count: u32 },
}

/// A place, and who speaks to it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) place: Arc<dyn Place>,
    process: Process,
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
    pub(crate) fn new(place: Arc<dyn Place>, process: Process) -> Self {
        Self { place, process }
    }

    /// How the place calls an instance that may be replaced; `None` for one that is not there, or whose place is at
    /// it already.
    pub(crate) async fn copy_to_restart(&self, instance: &Instance) -> Option<String> {
        let copies = self.copies(&instance.process).await?;
        let copy = find(&copies, &instance.ops_address)?;
        let is_left_alone =
            matches!(copy.state, InstanceState::Crashed | InstanceState::Starting | InstanceState::Draining);
        (!is_left_alone).then(|| copy.id.clone())
    }

    /// What the place runs of a process, when it says so soon: the rounds do not wait for it.
    pub(crate) async fn copies(&self, process: &str) -> Option<Vec<Copy>> {
        let why = match timeout(ANSWER_LIMIT, self.place.instances(process)).await {
            Ok(Ok(copies)) => return Some(copies),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("{} does not answer within {} s", self.place.name(), ANSWER_LIMIT.as_secs()),
        };
        tracing::warn!(process, "nothing can be changed: {why}");
        None
    }

    /// Carries out an order that is written down as this row, and writes what became of it.
    pub(crate) async fn carry_out(&self, row: i64, order: Order, reason: &str) -> Result<(), String> {
        let why = Why { asked_by: format!("clock {}", self.process.instance), reason: reason.to_owned() };
        let begun = Instant::now();
        let done = match &order {
            Order::Restart { process, copy } => {
                self.place.restart(process, Which::One(copy.clone()), &why).await
            }
            Order::Scale { process, count } => self.place.scale(process, *count, &why).await,
        };
        let outcome = match &done {
            Ok(()) => format!("done in {:.1} s by {}", begun.elapsed().as_secs_f64(), self.place.name()),
            Err(error) => format!("not done: {error}"),
        };
        tracing::warn!(?order, reason, "{outcome}");
        if let Err(error) = self.conclude(row, &outcome).await {
            tracing::warn!(action.id = row, "an outcome is not written: {outcome}: {error:#}");
        }
        done.map_err(|error| error.to_string())
    }

    async fn conclude(&self, row: i64, outcome: &str) -> anyhow::Result<()> {
        let mut connection = self.process.pool.get().await?;
        Ok(ledger::conclude(&mut connection, row, outcome).await?)
    }
}

/// The copy whose ops server has this address.
pub(crate) fn find<'a>(copies: &'a [Copy], ops_address: &str) -> Option<&'a Copy> {
    copies.iter().find(|copy| copy.details.get("ops_address").is_some_and(|address| address == ops_address))
}
