//! Random worlds that really run: schema steps as statements, releases as programs that read, insert, enqueue and
//! work jobs. What the planner calls safe must go without an error; what it refuses must fail, whatever the order.
//!
//! `facts` finds out by trying what each release does at each schema and with each job; on that the brute force of
//! `brute_force` walks every order. `live` carries a safe plan out while all its programs work without a pause.
//!
//! `ORACLE_WORLDS` says how many worlds, `ORACLE_SEED` which.

mod contracts;
mod facts;
mod live;
mod program;
mod statements;

use std::{cell::RefCell, collections::BTreeMap};

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use sides_planner::{Plan, World, WorldFault, plan};

use crate::{
    brute_force::{Facts, Judge, fact, start, wrongs},
    random::world,
};
use facts::Tried;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a whole number"))
}

/// Half of them with something to carry out from a sound start, some that were broken before, the rest refused. A
/// plain draw would be mostly hopeless.
fn worlds(count: u64, seed: u64) -> Vec<World> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut sound, mut broken, mut refused) = (count / 2, count / 8, count - count / 2 - count / 8);
    let mut chosen = Vec::new();
    while sound + broken + refused > 0 {
        let world = world().new_tree(&mut runner).expect("a world").current();
        let place = match plan(&world) {
            Ok(plan) if plan.actions.len() < 2 => continue,
            Ok(plan) if plan.broken_before.is_empty() => &mut sound,
            Ok(_) => &mut broken,
            Err(_) => &mut refused,
        };
        if *place > 0 {
            *place -= 1;
            chosen.push(world);
        }
    }
    chosen
}

/// What was seen of all worlds together.
#[derive(Debug, Default)]
struct Tally {
    safe: usize,
    carried_out: usize,
    refused: usize,
    work: u64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_called_safe_runs_without_an_error_and_what_is_refused_fails() {
    let (count, seed) = (setting("ORACLE_WORLDS", 24), setting("ORACLE_SEED", 1));
    let mut tally = Tally::default();
    for (number, world) in worlds(count, seed).into_iter().enumerate() {
        let tried = Tried::all_of(&world).await;
        let before = wrongs(&world, &start(&world), &tried);
        let counts = |wrong: &str| !before.contains(wrong);
        let seen = RefCell::new(BTreeMap::new());
        let judge = Judge { world: &world, eyes: &tried, counts: &counts, in_rolls: false, seen: &seen };
        let place = format!("ORACLE_SEED={seed}, world {number}: {world:#?}");
        match plan(&world) {
            Ok(plan) => {
                tally.safe += 1;
                assert_eq!(judge.walk(&plan.actions), Ok(()), "{place}");
                let named: Facts = plan.broken_before.iter().map(fact).collect();
                assert_eq!(named, before, "{place}");
                tally.carry_out(&world, &plan, &place).await;
            }
            Err(WorldFault::Refused(refusal)) => {
                tally.refused += 1;
                assert!(
                    !judge.has_order(),
                    "refused, and there is an order that works: {refusal:?}\n{place}"
                );
            }
            Err(fault) => panic!("{fault}\n{place}"),
        }
    }
    println!("{tally:?}");
    assert!(tally.carried_out > 0 && tally.refused > 0, "{tally:?}");
}

impl Tally {
    /// A world that was broken before has errors anyway.
    async fn carry_out(&mut self, world: &World, plan: &Plan, place: &str) {
        if !plan.broken_before.is_empty() {
            return;
        }
        let run = live::carry_out(world, plan).await;
        assert_eq!(run.errors, Vec::<String>::new(), "{:#?}\n{place}", plan.actions);
        self.carried_out += 1;
        self.work += run.rounds;
    }
}
