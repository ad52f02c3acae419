//! On random worlds the planner and brute force agree, order by order and conflict by conflict.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use proptest::{prelude::*, test_runner::TestRunner};
use sides_planner::{WorldFault, plan, plan_in_rolls};

use crate::{
    brute_force::{Judge, Rules, fact, start, wrongs},
    random::world,
};

#[test]
fn planner_and_brute_force_agree() {
    agree(false);
}

#[test]
fn they_agree_where_one_process_is_replaced_after_the_other() {
    agree(true);
}

fn agree(in_rolls: bool) {
    let (planned, refused) = (Cell::new(0), Cell::new(0));
    let config = ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&world(), |world| {
            let before = wrongs(&world, &start(&world), &Rules);
            let counts = |wrong: &str| !before.contains(wrong);
            let seen = RefCell::new(BTreeMap::new());
            let judge = Judge { world: &world, eyes: &Rules, counts: &counts, in_rolls, seen: &seen };
            match if in_rolls { plan_in_rolls(&world) } else { plan(&world) } {
                Ok(plan) => {
                    planned.set(planned.get() + 1);
                    prop_assert_eq!(judge.walk(&plan.actions), Ok(()));
                    let named: BTreeSet<String> = plan.broken_before.iter().map(fact).collect();
                    prop_assert_eq!(named, before);
                }
                Err(WorldFault::Refused(refusal)) => {
                    refused.set(refused.get() + 1);
                    prop_assert!(!judge.has_order(), "there is an order");
                    let conflict: Vec<String> = refusal.conflict.iter().map(fact).collect();
                    let only_these = |wrong: &str| conflict.iter().any(|fact| fact == wrong);
                    let alone =
                        Judge { world: &world, eyes: &Rules, counts: &only_these, in_rolls, seen: &seen };
                    prop_assert!(!alone.has_order(), "the conflict is none: {conflict:?}");
                    for spared in &conflict {
                        let but_one = |wrong: &str| wrong != spared && only_these(wrong);
                        let without =
                            Judge { world: &world, eyes: &Rules, counts: &but_one, in_rolls, seen: &seen };
                        prop_assert!(without.has_order(), "{spared} is not needed");
                    }
                }
                Err(fault) => prop_assert!(false, "{fault}"),
            }
            Ok(())
        })
        .unwrap();
    // A generator of only easy or only hopeless worlds would prove nothing.
    assert!(planned.get() > 75 && refused.get() > 75, "{} planned, {} refused", planned.get(), refused.get());
}
