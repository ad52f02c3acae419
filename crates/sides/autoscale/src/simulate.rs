//! Simulates the policy on traffic, second by second.

use std::{collections::VecDeque, time::Duration};

use serde::Serialize;

use crate::{Arrival, Circumstances, Policy, Signals, Verdict, decide, is_calm};

/// What a process is like where it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plant {
    /// How many jobs an instance runs at a time.
    pub slots: u32,
    /// How long a new instance takes until it is ready.
    pub start: Duration,
    /// How often it is decided.
    pub every: Duration,
}

/// A second of a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// From the beginning.
    pub second: u64,
    /// Instances that are ready.
    pub instances: u32,
    /// Jobs that wait.
    pub waiting: u32,
    /// How long the oldest of them has waited, in seconds.
    pub delay: u64,
}

/// What a simulation showed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Each second until everything was done and there were no changes any more.
    pub points: Vec<Point>,
    /// How long each job waited, in seconds, the shortest first.
    pub waits: Vec<u64>,
    /// How often the number of instances changed.
    pub changes: u32,
    /// What they cost: instances times hours.
    pub instance_hours: f64,
}

struct Instance {
    ready_at: u64,
    /// When its jobs end.
    jobs: Vec<u64>,
}

struct World<'a> {
    plant: Plant,
    coming: VecDeque<&'a Arrival>,
    waiting: VecDeque<(u64, u64)>,
    instances: Vec<Instance>,
    waits: Vec<u64>,
}

/// Plays the arrivals, in their order, beginning with the fewest instances.
#[must_use]
pub fn simulate(policy: &Policy, plant: Plant, arrivals: &[Arrival]) -> Run {
    let instances = (0..policy.min).map(|_| Instance { ready_at: 0, jobs: Vec::new() }).collect();
    let coming = arrivals.iter().collect();
    let mut world = World { plant, coming, waiting: VecDeque::new(), instances, waits: Vec::new() };
    let mut run = Run { points: Vec::new(), waits: Vec::new(), changes: 0, instance_hours: 0.0 };
    let (mut changes, mut calm_since) = (Vec::<u64>::new(), 0);
    let last = arrivals.last().map_or(0, |last| last.at.as_secs());
    let rest = (policy.calm + policy.down_pause).as_secs() * u64::from(policy.max) + 60;
    let mut second = 0;
    // A policy that never catches up ends too.
    while second <= last + rest || (!world.is_done() && second < 10 * (last + rest)) {
        world.work(second);
        let signals = world.signals(second);
        if !is_calm(policy, &signals) {
            calm_since = second;
        }
        if second % plant.every.as_secs().max(1) == 0 {
            let now = Circumstances {
                stable: world.instances.iter().all(|instance| instance.ready_at <= second),
                changed: changes.last().map(|at| Duration::from_secs(second - at)),
                changes: count(changes.iter().filter(|at| *at + 3_600 > second).count()),
                calm: Duration::from_secs(second - calm_since),
                ..Circumstances::default()
            };
            if let Some(Verdict::Scale(to)) = decide(policy, &signals, &now).map(|decision| decision.verdict)
            {
                world.scale(to, second);
                changes.push(second);
                calm_since = second;
            }
        }
        run.instance_hours += f64::from(count(world.instances.len())) / 3_600.0;
        run.points.push(world.point(second));
        second += 1;
    }
    run.changes = count(changes.len());
    run.waits = world.waits;
    run.waits.sort_unstable();
    run
}

impl Run {
    /// How long so many of a hundred jobs waited at most, in seconds.
    #[must_use]
    pub fn wait(&self, percent: usize) -> u64 {
        let at = (self.waits.len() * percent).div_ceil(100).saturating_sub(1);
        self.waits.get(at).copied().unwrap_or(0)
    }

    /// The most instances that there were.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.points.iter().map(|point| point.instances).max().unwrap_or(0)
    }
}

impl World<'_> {
    fn is_done(&self) -> bool {
        self.coming.is_empty() && self.waiting.is_empty()
    }

    fn work(&mut self, second: u64) {
        while let Some(next) = self.coming.front().filter(|next| next.at.as_secs() <= second) {
            self.waiting.push_back((second, next.runs.as_secs().max(1)));
            self.coming.pop_front();
        }
        for instance in self.instances.iter_mut().filter(|instance| instance.ready_at <= second) {
            instance.jobs.retain(|ends| *ends > second);
            while instance.jobs.len() < self.plant.slots as usize
                && let Some((since, runs)) = self.waiting.pop_front()
            {
                self.waits.push(second - since);
                instance.jobs.push(second + runs);
            }
        }
    }

    fn signals(&self, second: u64) -> Signals {
        Signals {
            instances: count(self.instances.len()),
            idle: count(self.instances.iter().filter(|instance| instance.jobs.is_empty()).count()),
            slots: self.plant.slots,
            busy: count(self.instances.iter().map(|instance| instance.jobs.len()).sum()),
            waiting: count(self.waiting.len()),
            oldest: Duration::from_secs(self.waiting.front().map_or(0, |(since, _)| second - since)),
            ..Signals::default()
        }
    }

    fn scale(&mut self, to: u32, second: u64) {
        let ready_at = second + self.plant.start.as_secs();
        while self.instances.len() < to as usize {
            self.instances.push(Instance { ready_at, jobs: Vec::new() });
        }
        // Those that do nothing leave; the decision saw to it that there is one.
        while self.instances.len() > to as usize
            && let Some(at) = self.instances.iter().rposition(|instance| instance.jobs.is_empty())
        {
            self.instances.remove(at);
        }
    }

    fn point(&self, second: u64) -> Point {
        let ready = self.instances.iter().filter(|instance| instance.ready_at <= second).count();
        let signals = self.signals(second);
        Point { second, instances: count(ready), waiting: signals.waiting, delay: signals.oldest.as_secs() }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shape;

    const PLANT: Plant = Plant { slots: 4, start: Duration::from_secs(3), every: Duration::from_secs(5) };

    fn run(max: u32, shape: Shape) -> Run {
        simulate(&Policy::between(1, max), PLANT, &shape.jobs())
    }

    #[test]
    fn a_burst_is_met_at_once_and_left_slowly() {
        let run = run(8, Shape::Burst);
        let at = |second: usize| run.points[second].instances;
        assert_eq!((at(299), run.most()), (1, 8));
        assert!(at(330) == 8, "half a minute later all are there");
        assert_eq!(run.points.last().unwrap().instances, 1, "and one is left in the end");
        assert_eq!(run.waits.len(), Shape::Burst.jobs().len(), "no job is lost");
        let down: Vec<u32> = run.points.iter().map(|point| point.instances).skip(400).collect();
        assert!(down.windows(2).all(|pair| pair[0] - pair[1] <= 1), "one at a time");
    }

    #[test]
    fn more_instances_mean_shorter_waits_and_fewer_cost_less() {
        for shape in [Shape::Burst, Shape::Step, Shape::Day] {
            let (few, many) = (run(2, shape), run(8, shape));
            assert!(many.wait(95) < few.wait(95), "{shape:?}: {} {}", many.wait(95), few.wait(95));
        }
        assert!(run(2, Shape::Day).instance_hours < run(8, Shape::Day).instance_hours);
    }
}
