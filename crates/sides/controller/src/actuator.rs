//! The only way to change what runs at a place. Every action goes through here and has a row in `sides.actions` with
//! its reason and outcome.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ::schema::locks;
use database::Connection;
use platform::{
    place::{Abilities, Instance as Replica, InstanceState, Place, PlaceError, Which, Why},
    routes::Routes,
};
use process::Process;
use tokio::time::timeout;

use crate::{actions, inventory::Instance, replica};

/// How long a place may take to say what runs.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// The same for a remote place.
const REMOTE_LIMIT: Duration = Duration::from_secs(10);
/// How long an order may take there. One on this machine ends within a minute by itself.
const ORDER_LIMIT: Duration = Duration::from_secs(240);

/// What a place is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Replace this one with a new one.
    Restart { process: String, replica: String },
    /// Set the number of instances.
    Scale { process: String, count: u32 },
}

/// The places, and what they said lately. Clones share it.
#[derive(Clone)]
pub(crate) struct Actuator {
    routes: Routes,
    pub(crate) process: Process,
    answers: Arc<Mutex<HashMap<String, Answered>>>,
}

/// What a place said of a process; nothing when it did not answer.
struct Answered {
    at: Instant,
    replicas: Option<Vec<Replica>>,
}

/// Whether a release or a rollback is in progress: until it has ended, nobody else replaces anything.
pub(crate) async fn release_is_running(connection: &mut Connection) -> diesel::QueryResult<bool> {
    locks::is_held(connection, locks::RELEASE).await
}

impl Actuator {
    pub(crate) fn new(routes: Routes, process: Process) -> Self {
        Self { routes, process, answers: Arc::default() }
    }

    /// What the place of a process can do for it; `None` when no place here runs it.
    pub(crate) fn abilities(&self, process: &str) -> Option<Abilities> {
        self.routes.place_of(process).map(|place| place.abilities(process))
    }

    /// The replica that may be replaced; `None` for one that is gone, or that its place replaces already. `here` is this
    /// machine. What the place said a moment ago will do: the order is about this very replica, or about none.
    pub(crate) async fn replica_to_restart(&self, instance: &Instance, here: &str) -> Option<Replica> {
        let replicas = self.replicas(&instance.process).await?;
        let replica = replica::of(&replicas, instance, here)?;
        let is_left_alone = matches!(
            replica.state,
            InstanceState::Crashed | InstanceState::Starting | InstanceState::Draining
        );
        (!is_left_alone).then(|| replica.clone())
    }

    /// What runs of a process, as its place said so lately that asking again is not worth it.
    pub(crate) async fn replicas(&self, process: &str) -> Option<Vec<Replica>> {
        let place = self.routes.place_of(process)?;
        if let Some(answered) = self.answers().get(process)
            && answered.at.elapsed() < place.holds_for()
        {
            return answered.replicas.clone();
        }
        self.ask(process, place.as_ref()).await
    }

    /// What runs of a process now: before anything is changed.
    pub(crate) async fn replicas_now(&self, process: &str) -> Option<Vec<Replica>> {
        self.ask(process, self.routes.place_of(process)?.as_ref()).await
    }

    async fn ask(&self, process: &str, place: &dyn Place) -> Option<Vec<Replica>> {
        let limit = if is_remote(place) { REMOTE_LIMIT } else { ANSWER_LIMIT };
        let replicas = match timeout(limit, place.instances(process)).await {
            Ok(Ok(replicas)) => Ok(replicas),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("{} does not answer within {} s", place.name(), limit.as_secs())),
        };
        if let Err(why) = &replicas {
            tracing::warn!(process, "nothing can be changed: {why}");
        }
        let replicas = replicas.ok();
        self.answers()
            .insert(process.to_owned(), Answered { at: Instant::now(), replicas: replicas.clone() });
        replicas
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, HashMap<String, Answered>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out the order of this row, and writes its outcome there.
    pub(crate) async fn carry_out(&self, row: i64, order: Order, reason: &str) -> Result<(), PlaceError> {
        let (Order::Restart { process, .. } | Order::Scale { process, .. }) = &order;
        let begun = Instant::now();
        let done = match self.routes.place_of(process) {
            Some(place) => {
                let done = self.give(place.as_ref(), &order, reason).await;
                done.map(|()| format!("done in {:.1} s by {}", begun.elapsed().as_secs_f64(), place.name()))
            }
            None => Err(PlaceError::UnknownProcess {
                place: self.process.name.to_owned(),
                process: process.clone(),
            }),
        };
        self.answers().remove(process);
        let outcome = match &done {
            Ok(outcome) => outcome.clone(),
            Err(error @ PlaceError::Unreachable { .. }) => format!("not known: {error}"),
            Err(error) => format!("not done: {error}"),
        };
        tracing::warn!(?order, reason, "{outcome}");
        if let Err(error) = self.conclude(row, &outcome).await {
            tracing::warn!(action.id = row, "cannot record an outcome: {outcome}: {error:#}");
        }
        done.map(drop)
    }

    async fn give(&self, place: &dyn Place, order: &Order, reason: &str) -> Result<(), PlaceError> {
        let why = Why { asked_by: actions::asked_by(&self.process), reason: reason.to_owned() };
        let given = async {
            match order {
                Order::Restart { process, replica } => {
                    place.restart(process, Which::One(replica.clone()), &why).await
                }
                Order::Scale { process, count } => place.scale(process, *count, &why).await,
            }
        };
        if !is_remote(place) {
            return given.await;
        }
        timeout(ORDER_LIMIT, given).await.unwrap_or_else(|_| {
            let reason = format!("it did not finish within {} s", ORDER_LIMIT.as_secs());
            Err(PlaceError::Unreachable { place: place.name().to_owned(), reason })
        })
    }

    async fn conclude(&self, row: i64, outcome: &str) -> anyhow::Result<()> {
        let mut connection = self.process.pool.get().await?;
        Ok(actions::conclude(&mut connection, row, outcome).await?)
    }
}

/// Whether asking costs more than a moment.
fn is_remote(place: &dyn Place) -> bool {
    !place.holds_for().is_zero()
}
