//! Where claims look, case by case and in random orders.

use super::*;

const LOWEST: i32 = i16::MIN as i32;
const HIGHEST: i32 = i16::MAX as i32;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_000_000 + seconds, 0).unwrap()
}

fn job(priority: i16, seconds: i64) -> Position {
    (priority, at(seconds), Uuid::from_u128(7))
}

fn onward(priority: i16, seconds: i64) -> Part {
    Part::Onward(priority, at(seconds), Uuid::from_u128(8))
}

fn heard(due: &[i64], until: Option<i64>) -> Heard {
    let due = due.iter().map(|seconds| at(*seconds)).collect();
    Heard { due, until: until.map(at), ..Heard::default() }
}

/// A cursor that has claimed these jobs.
fn behind_all(jobs: &[Position]) -> Cursor {
    let mut cursor = Cursor::default();
    cursor.claimed(jobs.iter().copied(), false);
    cursor
}

#[test]
fn everything_at_first_and_then_only_what_came_since() {
    let mut cursor = Cursor::default();
    assert_eq!(cursor.parts(), [Part::Priorities(LOWEST, HIGHEST)]);
    cursor.claimed([job(0, 10), job(0, 11), job(5, 3)].into_iter(), false);
    let parts = [
        Part::Priorities(LOWEST, -1),
        onward(0, 11),
        Part::Priorities(1, 4),
        onward(5, 3),
        Part::Priorities(6, HIGHEST),
    ];
    assert_eq!(cursor.parts(), parts);
    cursor.claimed(std::iter::empty(), false);
    assert_eq!(cursor.parts(), parts);
}

#[test]
fn the_ends_of_the_order_have_no_neighbours() {
    let cursor = behind_all(&[job(i16::MIN, 1), job(i16::MAX, 1)]);
    let parts = [onward(i16::MIN, 1), Part::Priorities(LOWEST + 1, HIGHEST - 1), onward(i16::MAX, 1)];
    assert_eq!(cursor.parts(), parts);
    assert_eq!(behind((0, at(1), Uuid::max())), (at(1) + TimeDelta::microseconds(1), Uuid::nil()));
    assert_eq!(behind((0, DateTime::<Utc>::MAX_UTC, Uuid::max())).0, DateTime::<Utc>::MAX_UTC);
}

#[test]
fn what_was_committed_late_is_looked_up_until_it_was_looked_at() {
    let mut cursor = behind_all(&[job(0, 100)]);
    cursor.hear(heard(&[50, 60, 200], None));
    let late = |seconds| Part::At(0, at(seconds));
    assert_eq!(cursor.parts()[1..4], [late(50), late(60), onward(0, 100)]);
    // A full claim came as far as the first of them.
    cursor.claimed([job(0, 50)].into_iter(), true);
    assert_eq!(cursor.parts()[1..4], [late(50), late(60), onward(0, 100)]);
    cursor.claimed([job(0, 60)].into_iter(), true);
    assert_eq!(cursor.parts()[1..3], [late(60), onward(0, 100)]);
    cursor.claimed(std::iter::empty(), false);
    assert_eq!(cursor.parts()[1], onward(0, 100));
}

#[test]
fn a_full_claim_has_not_looked_at_what_is_less_urgent() {
    let mut cursor = behind_all(&[job(0, 100), job(5, 100), job(9, 100)]);
    cursor.hear(heard(&[50], None));
    cursor.claimed([job(0, 50), job(5, 101)].into_iter(), true);
    let points = cursor.parts().into_iter().filter(|part| matches!(part, Part::At(..)));
    assert_eq!(points.collect::<Vec<_>>(), [Part::At(9, at(50))]);
    assert!(cursor.parts().contains(&onward(5, 101)) && cursor.parts().contains(&onward(9, 100)));
}

#[test]
fn what_is_hardly_late_or_much_is_walked_to() {
    let mut cursor = behind_all(&[job(0, 100)]);
    let just_before = at(100) - TimeDelta::milliseconds(20);
    let due = [at(40), just_before, at(100)].into();
    cursor.hear(Heard { due, ..Heard::default() });
    assert_eq!(cursor.parts()[1..3], [Part::At(0, at(40)), Part::Onward(0, just_before, Uuid::nil())]);

    let mut cursor = behind_all(&[job(0, 100)]);
    cursor.hear(heard(&(10..40).collect::<Vec<_>>(), None));
    assert_eq!(cursor.parts()[1], Part::Onward(0, at(10), Uuid::nil()));
    assert!(!cursor.parts().iter().any(|part| matches!(part, Part::At(..))));
    // From there a full claim goes on, although the cursor had been further once.
    cursor.claimed([job(0, 20)].into_iter(), true);
    assert_eq!(cursor.parts()[1], onward(0, 20));
}

#[test]
fn who_finds_nothing_goes_on_as_others_do() {
    let mut cursor = behind_all(&[job(0, 100)]);
    cursor.hear(heard(&[], Some(150)));
    cursor.claimed(std::iter::empty(), false);
    assert_eq!(cursor.parts()[1], Part::Onward(0, at(150), Uuid::nil()));
    // Not over what was not looked at.
    cursor.hear(heard(&[], Some(190)));
    cursor.claimed([job(0, 160)].into_iter(), true);
    assert_eq!(cursor.parts()[1], onward(0, 160));
}

#[test]
fn what_was_heard_after_it_was_claimed_is_walked_over_once() {
    let mut cursor = behind_all(&[job(0, 100)]);
    cursor.hear(heard(&[100], Some(100)));
    assert_eq!(cursor.parts()[1], Part::Onward(0, at(100), Uuid::nil()));
    cursor.claimed(std::iter::empty(), false);
    assert_eq!(cursor.parts()[1], onward(0, 100));
}

#[test]
fn too_many_priorities_are_looked_through_together() {
    let mut cursor = Cursor::default();
    cursor.claimed((0..1000).map(|priority| job(priority, 1)), true);
    assert_eq!(cursor.parts(), [Part::Priorities(LOWEST, HIGHEST)]);
}

#[test]
fn a_priority_that_only_has_jobs_for_later_is_known() {
    let mut cursor = Cursor::default();
    cursor.hear(Heard { priorities: [3].into(), ..Heard::default() });
    let parts = [
        Part::Priorities(LOWEST, 2),
        Part::Onward(3, DateTime::<Utc>::MIN_UTC, Uuid::nil()),
        Part::Priorities(4, HIGHEST),
    ];
    assert_eq!(cursor.parts(), parts);
}
/// A table of jobs and a runner, in whatever order their messages come.
#[derive(Default)]
struct World {
    now: i64,
    /// Due, and whether it is committed, was notified of and claimed.
    jobs: Vec<(Position, [bool; 3])>,
    cursor: Cursor,
    claimed: Vec<Uuid>,
}

impl World {
    /// Claims as the statement does: part after part, each in its order.
    fn claim(&mut self, limit: usize) -> usize {
        let mut found = Vec::new();
        for part in self.cursor.parts() {
            let mut here: Vec<usize> = (0..self.jobs.len())
                .filter(|job| {
                    let ((priority, due, id), [is_committed, _, is_claimed]) = self.jobs[*job];
                    let is_here = match part {
                        Part::Priorities(lowest, highest) => (lowest..=highest).contains(&priority.into()),
                        Part::Onward(at, from, first) => priority == at && (due, id) >= (from, first),
                        Part::At(at, moment) => priority == at && due == moment,
                    };
                    is_here && is_committed && !is_claimed && due <= at(self.now)
                })
                .collect();
            here.sort_by_key(|job| self.jobs[*job].0);
            here.truncate(limit - found.len());
            for job in &here {
                self.jobs[*job].1[2] = true;
            }
            found.extend(here);
        }
        let positions: Vec<Position> = found.iter().map(|job| self.jobs[*job].0).collect();
        assert!(positions.is_sorted(), "claims come in order");
        self.claimed.extend(positions.iter().map(|job| job.2));
        self.cursor.claimed(positions.into_iter(), found.len() == limit);
        found.len()
    }

    /// One of those that can be goes on.
    fn go_on(&mut self, which: usize, step: usize) -> Option<usize> {
        let ready: Vec<usize> = (0..self.jobs.len())
            .filter(|job| !self.jobs[*job].1[step] && (step == 0 || self.jobs[*job].1[step - 1]))
            .collect();
        let job = *ready.get(which % ready.len().max(1))?;
        self.jobs[job].1[step] = true;
        Some(job)
    }

    fn notify(&mut self, which: usize) {
        if let Some(job) = self.go_on(which, 1) {
            let due = self.jobs[job].0.1;
            self.cursor.hear(Heard { due: [due].into(), until: Some(due), ..Heard::default() });
        }
    }
}

#[test]
fn whatever_the_order_of_commits_and_notifications_each_job_is_claimed_once() {
    use rand::{RngExt as _, SeedableRng as _};
    for seed in 0..300 {
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        let mut world = World::default();
        for _ in 0..random.random_range(10..200) {
            world.now += random.random_range(0..3);
            match random.random_range(0..10) {
                0..4 => {
                    let due = world.now - if random.random_bool(0.1) { 50 } else { 0 };
                    let job = (random.random_range(-1..3), at(due), Uuid::from_u128(random.random()));
                    world.jobs.push((job, [random.random_bool(0.5), false, false]));
                }
                4..6 => drop(world.go_on(random.random_range(0..100), 0)),
                6..8 => world.notify(random.random_range(0..100)),
                _ => drop(world.claim(random.random_range(1..6))),
            }
        }
        // All commit and are heard of; nobody looks through everything.
        while world.go_on(0, 0).is_some() {}
        for _ in 0..world.jobs.len() {
            world.notify(0);
        }
        while world.claim(4) > 0 {}
        world.claimed.sort_unstable();
        let all = world.claimed.len();
        world.claimed.dedup();
        assert_eq!((all, world.claimed.len()), (world.jobs.len(), world.jobs.len()), "seed {seed}");
    }
}

#[test]
fn who_starts_goes_on_where_others_are() {
    let mut cursor = behind_all(&[job(0, 10), job(5, 3)]);
    let mut next = Cursor::at(cursor.places());
    assert_eq!(next.parts(), cursor.parts());
    // And finds what they had left behind.
    next.hear(heard(&[4], None));
    cursor.hear(heard(&[4], None));
    assert_eq!(next.parts(), cursor.parts());
    assert_eq!(Cursor::default().places(), []);
}
