//! The order of a release, where it can be known without a build.

use database::DatabaseUrl;

use super::{
    migrations::{self, Migrations},
    runs::Runs,
};
use crate::places::Places;
use crate::release::{Limits, Pending, Plan, Refused, find_order};
use workspace::releases::{Set, Store};

/// What to do about the text of a migration that is not the one that was applied.
const PUT_BACK: &str = "Restore the text (`git log -p -- migrations` shows it) and put the change into a new \
                        migration: `sides new migration NAME`.";
/// What to do about a migration that cannot be tried.
const CHECK: &str = "`sides migration check` shows where, and what to write instead.";

/// The order, or what stands in its way, or why neither is known.
#[derive(Debug)]
pub enum Order {
    /// A release would go like this.
    Found(Plan),
    /// A release would be refused.
    Refused(Refused),
    /// Why it cannot be said.
    Unknown(String),
}

impl Order {
    /// With the canaries that a release would try.
    pub(super) fn with_canaries(
        self,
        limits: &Limits,
        store: Option<&Store>,
        places: Option<&Places>,
    ) -> anyhow::Result<Self> {
        match (self, store, places) {
            (Self::Found(plan), Some(store), Some(places)) => {
                Ok(Self::Found(plan.with_canaries(limits, &store.counts()?, places)))
            }
            (order, ..) => Ok(order),
        }
    }
}

/// Asks the planner, as a release would. `wanted` is what should run, when all of it is known.
pub(super) async fn of(
    store: Option<&Store>,
    url: Option<&DatabaseUrl>,
    runs: &Runs,
    wanted: Option<&Set>,
    migrations: &Migrations,
) -> anyhow::Result<Order> {
    if !migrations.problems.is_empty() {
        let reason = "applied migrations were edited".to_owned();
        return Ok(Order::Refused(Refused {
            reason,
            witnesses: migrations.problems.clone(),
            next: Some(PUT_BACK.to_owned()),
        }));
    }
    let unknown = |why: &str| Ok(Order::Unknown(why.to_owned()));
    let Some(url) = url else {
        return unknown("the order depends on the schema and on waiting jobs: set DATABASE_URL");
    };
    if !migrations.are_known {
        return unknown("the order depends on the schema, and the database does not answer");
    }
    let Some(places) = &runs.places else {
        return unknown("the order depends on what runs at the places of deploy/targets.toml");
    };
    let (Some(store), Some(wanted)) = (store, wanted) else {
        return unknown("the order depends on what the new builds need: `sides plan --build` shows it");
    };
    // What runs elsewhere may have been released from another machine.
    let all = wanted.iter().chain(runs.kept.iter().filter(|(name, _)| places.is_local(name)));
    if let Some((name, digest)) = all.into_iter().find(|(name, digest)| store.find(name, digest).is_none()) {
        return Ok(Order::Unknown(format!(
            "the order depends on what {name} {digest} needs, which is not kept on this machine"
        )));
    }
    let planned = match migrations.pending.is_empty() {
        true => Vec::new(),
        false => match migrate::preview(url, None, &migrations.all).await {
            Ok(planned) => planned,
            Err(error) => return Ok(Order::Refused(Refused::plain(&error, CHECK))),
        },
    };
    let pending: Vec<Pending> = planned
        .into_iter()
        .map(|one| Pending {
            name: one.name,
            phase: migrations::phase(one.phase),
            changes: one.changes,
            problems: one.problems,
            note: one.note,
        })
        .collect();
    match find_order(places, store, url, &runs.kept, wanted, &pending).await {
        Ok(answer) => Ok(answer.order.map_or_else(Order::Refused, Order::Found)),
        Err(error) => Ok(Order::Unknown(format!("{error:#}"))),
    }
}
