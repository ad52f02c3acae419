//! The same question answered slowly: every order, every state looked at with the plain rules.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use sides_planner::{
    Action, JobMismatch, Manifest, Phase, Requirement, SchemaMismatch, WaitingJob, World, job_mismatches,
    schema_mismatches,
};

/// What can be wrong with a state, one string a fact.
pub(crate) type Facts = BTreeSet<String>;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    pub(crate) position: usize,
    /// Per process: the digests that are live.
    pub(crate) live: Vec<BTreeSet<String>>,
}

pub(crate) fn start(world: &World) -> Place {
    let live = world.processes.iter().map(|process| digests(&process.live)).collect();
    Place { position: 0, live }
}

pub(crate) fn goal(world: &World) -> Place {
    let live = world.processes.iter().map(|process| digests(process.wanted.as_slice())).collect();
    Place { position: world.steps.len(), live }
}

fn digests(manifests: &[Manifest]) -> BTreeSet<String> {
    manifests.iter().map(|manifest| manifest.digest.clone()).collect()
}

fn live_manifests<'a>(world: &'a World, place: &Place) -> Vec<&'a Manifest> {
    let mut found: Vec<&Manifest> = Vec::new();
    for (process, live) in world.processes.iter().zip(&place.live) {
        for manifest in process.live.iter().chain(&process.wanted) {
            if live.contains(&manifest.digest) && !found.contains(&manifest) {
                found.push(manifest);
            }
        }
    }
    found
}

/// What becomes of a job that a release may claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hands {
    /// It is not claimed.
    None,
    /// It is worked.
    Work,
    /// It is claimed and cannot be read.
    Drop,
}

/// How a state is looked at.
pub(crate) trait Eyes {
    /// What a release misses after so many steps.
    fn mismatches(&self, world: &World, manifest: &Manifest, position: usize) -> Vec<SchemaMismatch>;
    /// What a release alone makes of a job.
    fn hands(&self, manifest: &Manifest, job: &WaitingJob) -> Hands;
}

/// By the plain rules.
pub(crate) struct Rules;

impl Eyes for Rules {
    fn mismatches(&self, world: &World, manifest: &Manifest, position: usize) -> Vec<SchemaMismatch> {
        schema_mismatches(manifest, &world.catalogues()[position])
    }

    fn hands(&self, manifest: &Manifest, job: &WaitingJob) -> Hands {
        match job_mismatches(&job.kind, job.version, [manifest]).as_slice() {
            [] => Hands::Work,
            mismatches if mismatches.contains(&JobMismatch::Unreadable) => Hands::Drop,
            _ => Hands::None,
        }
    }
}

/// Everything that is wrong with a state.
pub(crate) fn wrongs(world: &World, place: &Place, eyes: &dyn Eyes) -> Facts {
    let live = live_manifests(world, place);
    let mut facts = Facts::new();
    for manifest in &live {
        for mismatch in eyes.mismatches(world, manifest, place.position) {
            facts.insert(format!("{} {mismatch}", manifest.short_name()));
        }
    }
    let enqueued = live.iter().flat_map(|manifest| {
        let jobs = manifest.enqueues.iter();
        jobs.map(|(kind, version)| {
            (manifest.short_name(), WaitingJob { kind: kind.clone(), version: *version })
        })
    });
    let waiting = world.waiting.iter().map(|job| ("waiting".to_owned(), job.clone()));
    let scheduled = world.schedules.iter();
    let scheduled = scheduled.map(|one| (format!("the schedule {}", one.name), one.shape.job.clone()));
    for (source, job) in enqueued.chain(waiting).chain(scheduled) {
        let said = format!("{source} {} {}", job.kind, job.version);
        let hands: Vec<Hands> = live.iter().map(|handler| eyes.hands(handler, &job)).collect();
        for (handler, _) in live.iter().zip(&hands).filter(|(_, hands)| **hands == Hands::Drop) {
            facts.insert(format!("{said} unreadable to {}", handler.short_name()));
        }
        if !hands.contains(&Hands::Work) {
            facts.insert(format!("{said} unhandled"));
        }
    }
    facts.extend(left_behind(world, place, &live, eyes));
    facts
}

/// Jobs of a process that works its own, when its old releases have gone.
fn left_behind(world: &World, place: &Place, live: &[&Manifest], eyes: &dyn Eyes) -> Facts {
    let mut facts = Facts::new();
    for (process, here) in world.processes.iter().zip(&place.live) {
        let wanted = process.wanted.as_ref().map(|wanted| &wanted.digest);
        let leaving: Vec<&Manifest> =
            process.live.iter().filter(|manifest| Some(&manifest.digest) != wanted).collect();
        for enqueuer in leaving.iter().filter(|manifest| !here.contains(&manifest.digest)) {
            for (kind, version) in &enqueuer.enqueues {
                let job = WaitingJob { kind: kind.clone(), version: *version };
                let works = |manifest: &&Manifest| eyes.hands(manifest, &job) == Hands::Work;
                if leaving.iter().any(works) && !live.iter().any(works) {
                    facts.insert(format!("{} left {kind} {version} unhandled", enqueuer.short_name()));
                }
            }
        }
    }
    facts
}

/// The fact that a requirement stands for.
pub(crate) fn fact(requirement: &Requirement) -> String {
    let source = |enqueuer: &Option<String>| enqueuer.clone().unwrap_or_else(|| "waiting".into());
    match requirement {
        Requirement::Schema { release, mismatch, .. } => format!("{release} {mismatch}"),
        Requirement::Handler { job, enqueuer, .. } => {
            format!("{} {} {} unhandled", source(enqueuer), job.kind, job.version)
        }
        Requirement::LeftBehind { job, enqueuer, .. } => {
            format!("{enqueuer} left {} {} unhandled", job.kind, job.version)
        }
        Requirement::Readable { job, enqueuer, handler, .. } => {
            format!("{} {} {} unreadable to {handler}", source(enqueuer), job.kind, job.version)
        }
    }
}

/// Which wrongs count.
pub(crate) struct Judge<'a> {
    pub(crate) world: &'a World,
    pub(crate) eyes: &'a dyn Eyes,
    pub(crate) counts: &'a dyn Fn(&str) -> bool,
    /// Whether a process that has begun to be replaced must be done before anything else happens.
    pub(crate) in_rolls: bool,
    /// Looking at a state is slow; each is looked at once.
    pub(crate) seen: &'a RefCell<BTreeMap<Place, Facts>>,
}

impl Judge<'_> {
    pub(crate) fn fits(&self, place: &Place) -> bool {
        let mut seen = self.seen.borrow_mut();
        let wrongs = seen.entry(place.clone()).or_insert_with(|| wrongs(self.world, place, self.eyes));
        wrongs.iter().all(|wrong| !(self.counts)(wrong))
    }

    /// Whether any order of events leads from the start to the goal.
    pub(crate) fn has_order(&self) -> bool {
        let origin = start(self.world);
        let mut seen = BTreeSet::from([(origin.clone(), origin.clone())]);
        let mut waiting = vec![(origin.clone(), origin)];
        while let Some((place, base)) = waiting.pop() {
            if place == goal(self.world) {
                return true;
            }
            for next in self.allowed(&place) {
                let base = if self.narrows(&place, &next) { next.clone() } else { base.clone() };
                if self.fits(&next)
                    && self.can_return(&next, &base)
                    && seen.insert((next.clone(), base.clone()))
                {
                    waiting.push((next, base));
                }
            }
        }
        false
    }

    /// Whether `place` is reached from `base` by rolling alone, under the schema of `place`.
    pub(crate) fn can_return(&self, place: &Place, base: &Place) -> bool {
        let from = Place { position: place.position, live: base.live.clone() };
        let mut reached = vec![from.clone()];
        let mut at = 0;
        while at < reached.len() {
            let here = reached[at].clone();
            at += 1;
            for next in self.nexts(&here) {
                let rolled = next.position == here.position;
                if rolled && self.fits(&here) && self.fits(&next) && !reached.contains(&next) {
                    reached.push(next);
                }
            }
        }
        *place == from || reached.contains(place)
    }

    fn narrows(&self, place: &Place, next: &Place) -> bool {
        next.position > place.position && self.world.steps[place.position].phase == Phase::Contract
    }

    fn allowed(&self, place: &Place) -> Vec<Place> {
        let mut nexts = self.nexts(place);
        let wanted = |at: usize| digests(self.world.processes[at].wanted.as_slice());
        let is_up = |at: usize| wanted(at).is_subset(&place.live[at]);
        let all = 0..place.live.len();
        let has_begun = |at: usize| !wanted(at).is_empty() && is_up(at) && place.live[at] != wanted(at);
        if self.in_rolls && all.clone().any(has_begun) {
            nexts.retain(|next| all.clone().any(|at| next.live[at] != place.live[at] && is_up(at)));
        }
        nexts
    }

    fn nexts(&self, place: &Place) -> Vec<Place> {
        let mut nexts = Vec::new();
        if place.position < self.world.steps.len() {
            nexts.push(Place { position: place.position + 1, ..place.clone() });
        }
        for (at, process) in self.world.processes.iter().enumerate() {
            let wanted = digests(process.wanted.as_slice());
            if !wanted.is_subset(&place.live[at]) {
                let mut next = place.clone();
                next.live[at].extend(wanted);
                nexts.push(next);
            } else if place.live[at] != wanted {
                let mut next = place.clone();
                next.live[at] = wanted;
                nexts.push(next);
            }
        }
        nexts
    }

    /// Walks a plan, and says what is wrong with it.
    pub(crate) fn walk(&self, actions: &[Action]) -> Result<(), String> {
        let mut place = start(self.world);
        let mut base = place.clone();
        for action in actions {
            let before = place.clone();
            match action {
                Action::Migrate { step, .. } => {
                    let due = self.world.steps.get(place.position).map(|step| step.name.as_str());
                    if due != Some(step) {
                        return Err(format!("{step} is not the next step, {due:?} is"));
                    }
                    place.position += 1;
                }
                Action::Await { .. } => {}
                Action::Start { process, digest } => {
                    place.live[self.at(process)].insert(digest.clone());
                }
                Action::Stop { process, digests } => {
                    let live = &mut place.live[self.at(process)];
                    if !digests.iter().all(|digest| live.remove(digest)) {
                        return Err(format!("{action:?} stops what does not run"));
                    }
                }
            }
            if self.narrows(&before, &place) {
                base = place.clone();
            }
            let is_move = !matches!(action, Action::Await { .. });
            if is_move && !self.allowed(&before).contains(&place) {
                return Err(format!("{action:?} comes in between"));
            }
            if !self.fits(&place) {
                return Err(format!("after {action:?}: {:?}", wrongs(self.world, &place, self.eyes)));
            }
            if !self.can_return(&place, &base) {
                return Err(format!("after {action:?} there is no way back"));
            }
        }
        if place == goal(self.world) { Ok(()) } else { Err(format!("it ends at {place:?}")) }
    }

    fn at(&self, process: &str) -> usize {
        self.world.processes.iter().position(|known| known.name == process).expect("a process of this world")
    }
}
