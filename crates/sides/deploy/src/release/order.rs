//! Finds the order of a release, or says why there is none.

use database::DatabaseUrl;
use planner::WorldFault;

use super::{
    build::Pending,
    plan::Plan,
    refused::Refused,
    world::{self, Silent},
};
use crate::places::Places;
use workspace::releases::{Set, Store};

/// What helps where the planner cannot look at everything at once.
const ONE_BY_ONE: &str =
    "Release one process after the other: `sides release --only PROCESS`; `sides ps` shows what is running.";

/// The planner's answer.
pub(crate) struct Answer {
    pub order: Result<Plan, Refused>,
    /// Programs that did not say what they need.
    silent: Vec<Silent>,
}

impl Answer {
    /// What to say of programs that say nothing.
    pub(crate) fn silent(&self) -> Option<String> {
        let who: Vec<&str> = self.silent.iter().map(|one| one.name.as_str()).collect();
        let who = who.join(", ");
        let text = format!("no answer to --manifest, so the order does not know what they need: {who}");
        (!self.silent.is_empty()).then_some(text)
    }
}

/// Asks the kept programs, the schema and the queue, and then the planner.
pub(crate) async fn find(
    places: &Places,
    store: &Store,
    url: &DatabaseUrl,
    running: &Set,
    wanted: &Set,
    pending: &[Pending],
) -> anyhow::Result<Answer> {
    let witnesses: Vec<String> = pending
        .iter()
        .flat_map(|step| step.problems.iter().map(move |problem| format!("{}: {problem}", step.name)))
        .collect();
    if !witnesses.is_empty() {
        let next = "`sides migration check` shows where, and what to write instead".to_owned();
        let reason = "these migrations are not safe".to_owned();
        let refused = Refused { reason, witnesses, next: Some(next) };
        return Ok(Answer { order: Err(refused), silent: Vec::new() });
    }
    let world::Seen { world, silent, notes } =
        world::look(places, store, url, running, wanted, pending).await?;
    if let Some(refused) = unknown_needs(&silent, pending) {
        return Ok(Answer { order: Err(refused), silent: Vec::new() });
    }
    // An order that a host cannot take is still found, so that it can be said what is in the way.
    let in_rolls = planner::plan_in_rolls(&world);
    let split = match &in_rolls {
        Err(WorldFault::Refused(refusal)) => refusal.split.as_ref().map(ToString::to_string),
        _ => None,
    };
    let order = match in_rolls.or_else(|refused| planner::plan(&world).map_err(|_| refused)) {
        Ok(planned) => {
            let plan = Plan::of(&world, planned, running, wanted);
            let plan = plan.map(|plan| Plan { notes, ..plan }.located(places));
            plan.map_err(|entangled| Refused {
                next: split.or_else(|| Some(entangled.next())),
                ..Refused::plain(&entangled, "")
            })
        }
        Err(WorldFault::Refused(refusal)) => Err(Refused::by_the_planner(&refusal)),
        Err(fault) => Err(Refused::plain(&fault, ONE_BY_ONE)),
    };
    Ok(Answer { order, silent })
}

/// What takes something away cannot be called safe beside a release that does not say what it uses.
fn unknown_needs(silent: &[Silent], pending: &[Pending]) -> Option<Refused> {
    let step = pending.iter().find(|step| step.phase == planner::Phase::Contract)?;
    let stay = silent.iter().filter(|one| one.stays);
    let witnesses: Vec<String> = stay.map(|one| one.name.clone()).collect();
    (!witnesses.is_empty()).then(|| Refused {
        reason: format!("{} removes something, and these do not say what they use", step.name),
        witnesses,
        next: Some(
            "Make them answer --manifest, as the crate process does, or stop them; or leave the migration for \
             later."
                .to_owned(),
        ),
    })
}
