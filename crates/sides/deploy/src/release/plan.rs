//! The plan: the planner's answer as orders for a host.

mod step;

use std::{collections::BTreeSet, fmt};

use planner::{Action, Manifest, Process, Requirement, World};

use crate::places::Places;
use workspace::releases::Set;

pub use step::{Canary, Roll, Step};

/// The steps of one release. A process that is not named stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In their order.
    pub steps: Vec<Step>,
    /// Processes whose bytes are what runs.
    pub unchanged: Vec<String>,
    /// Processes whose new build works fewer jobs than the one that runs: a kind, or a version of it, is gone.
    pub narrowing: BTreeSet<String>,
    /// What is not compatible already, before the first step.
    pub broken_before: Vec<Requirement>,
    /// What a person should know of the places where it happens.
    pub notes: Vec<String>,
}

/// The planner's order needs more than a host does in one step.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "old and new {first} must run side by side until {second} is replaced too, but a host replaces one process \
     after the other: release {second} on its own first (--only {second}), with code that is compatible with both"
)]
pub struct Entangled {
    first: String,
    second: String,
}

impl Entangled {
    /// The way that works, with its commands.
    pub(super) fn next(&self) -> String {
        let Self { first, second } = self;
        format!(
            "This takes two releases: `sides release --only {second}`, then `sides release --only {first}`."
        )
    }
}

impl Plan {
    /// The planner's plan for `world` as steps of a host that goes from `running` to `wanted`.
    pub fn of(world: &World, planned: planner::Plan, running: &Set, wanted: &Set) -> Result<Self, Entangled> {
        let mut steps = Vec::new();
        let mut open: Option<(String, usize)> = None;
        let has_old = |process: &str| {
            let known = world.processes.iter().find(|known| known.name == process);
            known.is_some_and(|known| !known.live.is_empty())
        };
        for action in planned.actions {
            if let Some((first, _)) = &open {
                let second = match &action {
                    Action::Start { process, .. } => Some(process),
                    Action::Stop { process, .. } if process != first => Some(process),
                    _ => None,
                };
                if let Some(second) = second {
                    return Err(Entangled { first: first.clone(), second: second.clone() });
                }
            }
            match action {
                Action::Migrate { step, phase } => {
                    steps.push(Step::Migrate { name: step, phase, place: None });
                }
                // A host starts the new instance and ends the old one in one go, so the wait comes before both: the
                // old handler works off what is left just as well alone.
                Action::Await { jobs } => match &mut open {
                    Some((_, at)) => {
                        steps.insert(*at, Step::Await { jobs });
                        *at += 1;
                    }
                    None => steps.push(Step::Await { jobs }),
                },
                Action::Start { process, .. } => {
                    let Some(to) = wanted.get(&process) else { continue };
                    let roll = Roll {
                        process: process.clone(),
                        from: running.get(&process).cloned(),
                        to: to.clone(),
                        place: None,
                    };
                    open = has_old(&process).then_some((process, steps.len()));
                    steps.push(Step::Roll(roll));
                }
                Action::Stop { .. } => open = None,
            }
        }
        let unchanged = wanted.iter().filter(|(process, to)| running.get(*process) == Some(to));
        let unchanged = unchanged.map(|(process, _)| process.clone()).collect();
        let narrowing = world.processes.iter().filter(|process| works_less(process));
        let narrowing = narrowing.map(|process| process.name.clone()).collect();
        Ok(Self { steps, unchanged, narrowing, broken_before: planned.broken_before, notes: Vec::new() })
    }

    /// Says of each process where that happens, and what it is like there.
    pub fn located(mut self, places: &Places) -> Self {
        for step in &mut self.steps {
            match step {
                Step::Roll(roll) => {
                    roll.place = places.name_of(&roll.process);
                    self.notes.extend(places.note(&roll.process));
                }
                Step::Migrate { place, .. } => {
                    *place = places.migrations().map(|place| place.name().to_owned());
                }
                Step::Await { .. } | Step::Canary(_) => {}
            }
        }
        self
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether `step` counts on it that no instance of an older build runs any more, not even one that only ends what it
    /// began: it could still enqueue a job that nobody works afterwards, or use what the schema loses.
    pub fn needs_the_old_gone(&self, step: &Step) -> bool {
        match step {
            Step::Migrate { .. } => step.is_final(),
            Step::Await { .. } => true,
            Step::Canary(_) => false,
            Step::Roll(roll) => self.narrowing.contains(&roll.process),
        }
    }

    /// The processes that are replaced, in their order.
    pub fn rolls(&self) -> impl Iterator<Item = &Roll> {
        self.steps.iter().filter_map(|step| match step {
            Step::Roll(roll) => Some(roll),
            _ => None,
        })
    }

    /// The number of the first step that cannot be taken back.
    pub fn point_of_no_return(&self) -> Option<usize> {
        self.steps.iter().position(Step::is_final).map(|at| at + 1)
    }
}

/// Whether some job that a live build of `process` works is not worked by the one that is wanted.
fn works_less(process: &Process) -> bool {
    let Some(wanted) = &process.wanted else { return !process.live.is_empty() };
    let less_than = |live: &Manifest| {
        live.handles.iter().any(|(kind, handled)| {
            handled.aliases.iter().chain([kind]).any(|name| {
                wanted
                    .handler_of(name)
                    .is_none_or(|new| new.oldest > handled.oldest || new.newest < handled.newest)
            })
        })
    };
    process.live.iter().any(less_than)
}

/// What is different now from what ran when a release began, and is not replaced once more by `plan`.
pub(crate) fn replaced(from: &Set, running: &Set, plan: &Plan, places: &Places) -> Vec<Roll> {
    let changed = running.iter().filter(|(process, to)| {
        from.get(*process) != Some(to) && plan.rolls().all(|roll| roll.process != **process)
    });
    changed
        .map(|(process, to)| Roll {
            process: process.clone(),
            from: from.get(process).cloned(),
            to: to.clone(),
            place: places.name_of(process),
        })
        .collect()
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            f.write_str("Nothing to do: every process already runs these bytes.")?;
        } else {
            f.write_str("Plan:")?;
        }
        for (at, step) in self.steps.iter().enumerate() {
            write!(f, "\n  {}. {step}", at + 1)?;
        }
        if let Some(number) = self.point_of_no_return() {
            write!(f, "\n  no way back after step {number}")?;
        }
        if !self.unchanged.is_empty() && !self.is_empty() {
            write!(f, "\n  unchanged: {}", self.unchanged.join(", "))?;
        }
        for note in &self.notes {
            write!(f, "\n  {note}")?;
        }
        for broken in &self.broken_before {
            write!(f, "\n  not compatible even now: {broken}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use planner::{Manifest, Phase, Process, SchemaStep, plan};
    use workspace::releases::Digest;

    use super::*;

    fn digest(letter: char) -> Digest {
        Digest::parse(&letter.to_string().repeat(64)).unwrap()
    }

    fn set(pairs: &[(&str, char)]) -> Set {
        pairs.iter().map(|(process, letter)| ((*process).to_owned(), digest(*letter))).collect()
    }

    /// A release with what it enqueues and handles.
    fn manifest(process: &str, letter: char, enqueues: &[&str], handles: &[&str]) -> Manifest {
        let mut manifest = Manifest::new(process, digest(letter).as_str());
        manifest.enqueues = enqueues.iter().map(|kind| ((*kind).to_owned(), 1)).collect();
        let handled = planner::Handled { newest: 1, oldest: 1, aliases: Default::default() };
        manifest.handles = handles.iter().map(|kind| ((*kind).to_owned(), handled.clone())).collect();
        manifest
    }

    fn roll(live: Manifest, wanted: Manifest) -> Process {
        Process { name: live.process.clone(), live: vec![live], wanted: Some(wanted) }
    }

    fn shown(world: &World) -> String {
        let of = |manifest: &Manifest| (manifest.process.clone(), Digest::parse(&manifest.digest).unwrap());
        let running = world.processes.iter().flat_map(|process| &process.live).map(of).collect();
        let wanted = world.processes.iter().flat_map(|process| &process.wanted).map(of).collect();
        Plan::of(world, plan(world).unwrap(), &running, &wanted).unwrap().to_string()
    }

    #[test]
    fn the_worker_that_knows_a_new_job_comes_before_the_web_that_enqueues_it() {
        let processes = vec![
            roll(manifest("web", 'a', &[], &[]), manifest("web", 'b', &["greet"], &[])),
            roll(manifest("worker", 'a', &[], &[]), manifest("worker", 'b', &[], &["greet"])),
            roll(manifest("clock", 'c', &[], &[]), manifest("clock", 'c', &[], &[])),
        ];
        assert_eq!(
            shown(&World { processes, ..World::default() }),
            "Plan:\n  1. replace worker: aaaaaaaaaaaa → bbbbbbbbbbbb\n  2. replace web: aaaaaaaaaaaa → bbbbbbbbbbbb\n  \
             unchanged: clock"
        );
    }

    #[test]
    fn what_is_left_of_a_job_that_goes_is_waited_for_before_its_handler_is_replaced() {
        let processes = vec![
            roll(manifest("web", 'a', &["greet"], &[]), manifest("web", 'b', &[], &[])),
            roll(manifest("worker", 'a', &[], &["greet"]), manifest("worker", 'b', &[], &[])),
        ];
        assert_eq!(
            shown(&World { processes, ..World::default() }),
            "Plan:\n  1. replace web: aaaaaaaaaaaa → bbbbbbbbbbbb\n  2. wait until there are no jobs of greet (version 1)\n  \
             3. replace worker: aaaaaaaaaaaa → bbbbbbbbbbbb"
        );
    }

    #[test]
    fn a_step_that_takes_a_job_s_handler_away_needs_every_older_build_gone_and_one_that_adds_does_not() {
        let processes = vec![
            roll(manifest("mailer", 'a', &[], &["send"]), manifest("mailer", 'b', &[], &["send", "greet"])),
            roll(manifest("worker", 'a', &[], &["ping", "greet"]), manifest("worker", 'b', &[], &["ping"])),
        ];
        let world = World { processes, ..World::default() };
        let (running, wanted) =
            (set(&[("mailer", 'a'), ("worker", 'a')]), set(&[("mailer", 'b'), ("worker", 'b')]));
        let plan = Plan::of(&world, plan(&world).unwrap(), &running, &wanted).unwrap();
        let needing = plan.steps.iter().filter(|step| plan.needs_the_old_gone(step)).map(ToString::to_string);
        assert_eq!(needing.collect::<Vec<_>>(), ["replace worker: aaaaaaaaaaaa → bbbbbbbbbbbb"]);
    }

    #[test]
    fn the_schema_narrows_last_and_the_plan_says_that_there_is_no_way_back() {
        let step = |name: &str, phase| SchemaStep { name: name.to_owned(), phase, changes: Vec::new() };
        let world = World {
            steps: vec![step("1_add", Phase::Expand), step("2_drop", Phase::Contract)],
            processes: vec![roll(manifest("web", 'a', &[], &[]), manifest("web", 'b', &[], &[]))],
            ..World::default()
        };
        assert_eq!(
            shown(&world),
            "Plan:\n  1. migrate: 1_add\n  2. replace web: aaaaaaaaaaaa → bbbbbbbbbbbb\n  \
             3. migrate: 2_drop, once nothing old runs\n  no way back after step 3"
        );
    }

    #[test]
    fn processes_that_must_overlap_are_refused_by_name() {
        let action = |start: bool, process: &str| match start {
            true => Action::Start { process: process.to_owned(), digest: digest('b').as_str().to_owned() },
            false => {
                Action::Stop { process: process.to_owned(), digests: vec![digest('a').as_str().to_owned()] }
            }
        };
        let world = World {
            processes: ["web", "worker"]
                .map(|name| roll(manifest(name, 'a', &[], &[]), manifest(name, 'b', &[], &[])))
                .into(),
            ..World::default()
        };
        let planned = planner::Plan {
            actions: vec![
                action(true, "worker"),
                action(true, "web"),
                action(false, "web"),
                action(false, "worker"),
            ],
            point_of_no_return: None,
            broken_before: Vec::new(),
        };
        let (running, wanted) =
            (set(&[("web", 'a'), ("worker", 'a')]), set(&[("web", 'b'), ("worker", 'b')]));
        let refused = Plan::of(&world, planned, &running, &wanted).unwrap_err();
        assert_eq!(refused, Entangled { first: "worker".to_owned(), second: "web".to_owned() });
    }
}
