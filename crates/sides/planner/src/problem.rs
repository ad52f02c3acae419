//! A world compiled to bit sets, cut down to what its rules touch.

use crate::{
    Manifest, Phase, Requirement, World, WorldFault, requirements,
    rule::{Releases, Rule},
};

/// How far the schema is and what is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// How many steps were applied.
    pub(crate) position: usize,
    pub(crate) live: Releases,
}

/// A process that changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mover {
    /// Its place in the world's list.
    pub(crate) process: usize,
    /// What it runs and shall not run any more; none at its first release.
    pub(crate) old: Releases,
    /// What it shall run; none when it is given up.
    pub(crate) new: Releases,
}

/// One event on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// Apply the next schema step.
    Step,
    /// Bring the mover's new release up beside the old.
    Start(usize),
    /// Drain the mover's old release.
    Stop(usize),
}

/// What the search works on.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) start: State,
    pub(crate) goal: State,
    /// In the order in which they are preferred to move.
    pub(crate) movers: Vec<Mover>,
    pub(crate) phases: Vec<Phase>,
    pub(crate) rules: Vec<Rule>,
    /// Whether a process that has started to be replaced must be done before anything else happens.
    pub(crate) in_rolls: bool,
    /// Per schema position: positions of one class differ in nothing a rule can see.
    pub(crate) class: Vec<usize>,
}

/// A compiled world: the problem, the requirement behind each of its rules, and those that are broken
/// already and therefore cannot be asked of the way.
pub(crate) struct Compiled {
    pub(crate) problem: Problem,
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) broken_before: Vec<Requirement>,
}

pub(crate) fn compile(world: &World) -> Result<Compiled, WorldFault> {
    let mut releases: Vec<&Manifest> = Vec::new();
    let mut movers = Vec::new();
    let (mut start_live, mut goal_live) = (0, 0);
    for (place, process) in world.processes.iter().enumerate() {
        let mut known: Vec<&Manifest> = Vec::new();
        for manifest in process.live.iter().chain(&process.wanted) {
            if manifest.process != process.name {
                return Err(WorldFault::WrongProcess {
                    process: process.name.clone(),
                    release: manifest.short_name(),
                });
            }
            if !known.iter().any(|other| other.digest == manifest.digest) {
                known.push(manifest);
            }
        }
        if releases.len() + known.len() > Releases::BITS as usize {
            return Err(WorldFault::TooManyReleases { limit: Releases::BITS });
        }
        let bit = |digest: &str| {
            let at = known.iter().position(|manifest| manifest.digest == digest);
            at.map_or(0, |at| 1 << (releases.len() + at))
        };
        let live = process.live.iter().fold(0, |live, manifest| live | bit(&manifest.digest));
        let new = process.wanted.as_ref().map_or(0, |wanted| bit(&wanted.digest));
        start_live |= live;
        goal_live |= new;
        if !process.is_up_to_date() {
            movers.push(Mover { process: place, old: live & !new, new });
        }
        releases.extend(known);
    }
    // A handler should be there before what needs it, so where nothing forces an order, workers go first.
    movers.sort_by_key(|mover| {
        let wanted = &world.processes[mover.process].wanted;
        (wanted.as_ref().is_none_or(|manifest| manifest.handles.is_empty()), mover.process)
    });

    let start = State { position: 0, live: start_live };
    let (mut kept, mut rules, mut broken_before) = (Vec::new(), Vec::new(), Vec::new());
    for (requirement, rule) in requirements::of(world, &releases) {
        if rule.is_broken(start.position, start.live) {
            broken_before.push(requirement);
        } else {
            kept.push(requirement);
            rules.push(rule);
        }
    }
    let mut problem = Problem {
        start,
        goal: State { position: world.steps.len(), live: goal_live },
        movers,
        phases: world.steps.iter().map(|step| step.phase).collect(),
        rules,
        in_rolls: false,
        class: Vec::new(),
    };
    problem.classify();
    Ok(Compiled { problem, requirements: kept, broken_before })
}

impl Problem {
    /// The same problem with only these rules, and only the movers that they touch.
    pub(crate) fn with_only(&self, rules: &[usize]) -> Self {
        let rules: Vec<Rule> = rules.iter().map(|rule| self.rules[*rule].clone()).collect();
        let touched = rules.iter().fold(0, |touched, rule| touched | rule.touches());
        let (movers, idle): (Vec<Mover>, Vec<Mover>) =
            self.movers.iter().copied().partition(|mover| (mover.old | mover.new) & touched != 0);
        // Movers that no rule touches count as arrived.
        let arrive = |state: State| State {
            live: idle.iter().fold(state.live, |live, mover| (live & !mover.old) | mover.new),
            ..state
        };
        let mut problem = Self { start: arrive(self.start), goal: self.goal, movers, rules, ..self.clone() };
        problem.classify();
        problem
    }

    /// `moves` of a problem cut down from this one, with the movers that were left out put in: each in one go,
    /// ahead of the first contract step.
    pub(crate) fn with_idle_movers(&self, narrowed: &Self, moves: &[Move]) -> Vec<Move> {
        let place = |mover: &Mover| self.movers.iter().position(|other| other.process == mover.process);
        let places: Vec<usize> = narrowed.movers.iter().filter_map(place).collect();
        let mut all: Vec<Move> = moves
            .iter()
            .map(|step| match *step {
                Move::Step => Move::Step,
                Move::Start(mover) => Move::Start(places[mover]),
                Move::Stop(mover) => Move::Stop(places[mover]),
            })
            .collect();
        let idle = (0..self.movers.len()).filter(|mover| !places.contains(mover));
        let theirs = |at: usize| {
            let mover = self.movers[at];
            let started = mover.started(self.start);
            let stopped = mover.stopped(started.unwrap_or(self.start));
            started.map(|_| Move::Start(at)).into_iter().chain(stopped.map(|_| Move::Stop(at)))
        };
        // What has started already is not left for later where everything goes in rolls.
        let has_begun = |at: &usize| self.in_rolls && self.start.live & self.movers[*at].new != 0;
        let (begun, fresh): (Vec<usize>, Vec<usize>) = idle.partition(has_begun);
        let mut phases = self.phases.iter();
        let narrows = |step: &Move| *step == Move::Step && phases.next() == Some(&Phase::Contract);
        let before = all.iter().position(narrows).unwrap_or(all.len());
        all.splice(before..before, fresh.into_iter().flat_map(theirs));
        all.splice(0..0, begun.into_iter().flat_map(theirs));
        all
    }

    /// The rules that some state can break at all.
    pub(crate) fn rules_that_matter(&self) -> Vec<usize> {
        let always = self.start.live & !self.moving();
        // Of a process that is replaced the old release is live until the new one is.
        let one_of = |mover: &Mover, any_of| mover.old & any_of != 0 && mover.new & any_of != 0;
        let is_met = |rule: &Rule| match rule {
            Rule::Needs { any_of, .. } | Rule::Succeeds { any_of, .. } => {
                any_of & always != 0 || self.movers.iter().any(|mover| one_of(mover, *any_of))
            }
            Rule::NotAt { .. } | Rule::Excludes { .. } => false,
        };
        (0..self.rules.len()).filter(|rule| !is_met(&self.rules[*rule])).collect()
    }

    /// Every release that comes or goes.
    fn moving(&self) -> Releases {
        self.movers.iter().fold(0, |moving, mover| moving | mover.old | mover.new)
    }

    /// All releases of the movers that have one of `some`.
    pub(crate) fn moved_by(&self, some: Releases) -> Releases {
        let movers = self.movers.iter().map(|mover| mover.old | mover.new);
        movers.filter(|mover| mover & some != 0).fold(0, |all, mover| all | mover)
    }

    pub(crate) fn is_compatible(&self, state: State) -> bool {
        self.broken(state).next().is_none()
    }

    pub(crate) fn broken(&self, state: State) -> impl Iterator<Item = usize> + '_ {
        let rules = self.rules.iter().enumerate();
        rules.filter(move |(_, rule)| rule.is_broken(state.position, state.live)).map(|(number, _)| number)
    }

    /// What may be done next as far as each process alone is concerned, the preferred first: finish what was
    /// begun, widen the schema, roll the next process, and only then narrow the schema.
    pub(crate) fn moves(&self, state: State) -> Vec<(Move, State)> {
        let mut moves = Vec::new();
        let movers = || self.movers.iter().enumerate();
        moves.extend(movers().filter_map(|(at, mover)| Some((Move::Stop(at), mover.stopped(state)?))));
        // What is only to be stopped has not begun.
        let has_begun = |step: &(Move, State)| matches!(step.0, Move::Stop(at) if self.movers[at].new != 0);
        if self.in_rolls && moves.iter().any(has_begun) {
            return moves;
        }
        let step = State { position: state.position + 1, ..state };
        let next = self.phases.get(state.position);
        if next.is_some_and(|phase| *phase != Phase::Contract) {
            moves.push((Move::Step, step));
        }
        moves.extend(movers().filter_map(|(at, mover)| Some((Move::Start(at), mover.started(state)?))));
        if next == Some(&Phase::Contract) {
            moves.push((Move::Step, step));
        }
        moves
    }

    fn classify(&mut self) {
        let same = |at: usize| {
            self.phases[at - 1] != Phase::Contract
                && self.rules.iter().all(|rule| match rule {
                    Rule::NotAt { positions, .. } => positions[at - 1] == positions[at],
                    _ => true,
                })
        };
        let mut class = vec![0];
        for at in 1..=self.phases.len() {
            class.push(class[at - 1] + usize::from(!same(at)));
        }
        self.class = class;
    }
}

impl Mover {
    /// The state with its new release up, unless that is done or there is none.
    pub(crate) fn started(&self, state: State) -> Option<State> {
        let due = self.new != 0 && state.live & self.new == 0;
        due.then_some(State { live: state.live | self.new, ..state })
    }

    /// The state with its old release gone, unless that is done or its successor is not up.
    pub(crate) fn stopped(&self, state: State) -> Option<State> {
        let due = state.live & self.old != 0 && state.live & self.new == self.new;
        due.then_some(State { live: state.live & !self.old, ..state })
    }
}
