//! Functions that wait: a trigger or a default has every statement wait that meets it.

use std::collections::BTreeSet;

use super::{Broken, Function, Functions, bare, words_of};
use crate::class::Reason;

impl Functions {
    /// Whether a function waits for a while, itself or in one that it calls. Not every row may lead there.
    fn pauses(&self, function: &Function) -> bool {
        let (mut left, mut known) = (vec![function], BTreeSet::new());
        while let Some(one) = left.pop() {
            let found: BTreeSet<String> = words_of(&one.source).collect();
            if found.iter().any(|word| word.starts_with("pg_sleep") || word.starts_with("dblink")) {
                return true;
            }
            let called = self.functions.values().filter(|other| found.contains(bare(&other.name)));
            left.extend(called.filter(|other| known.insert(&other.name)));
        }
        false
    }

    /// Whether a function that statements call without saying so waits from then on, and did not before.
    pub(super) fn paused_by(&self, after: &Self) -> Vec<Broken> {
        let mut broken = Vec::new();
        let mut add = |relation: &str, user: &str, name: &str| {
            broken.push(Broken {
                relation: relation.to_owned(),
                witness: format!(
                    "{user} calls {name}, which may wait, in the statements of the running code"
                ),
                refused: Some(Reason::Costly),
                reads: false,
            });
        };
        for (oid, before) in &self.functions {
            let Some(now) = after.functions.get(oid).filter(|now| after.pauses(now)) else { continue };
            if self.pauses(before) {
                continue;
            }
            if let Some((_, user)) = self.users_of(before).iter().find_map(|user| user.split_once(' ')) {
                add(&now.name, user, &now.name);
            }
        }
        for (_, trigger) in after.triggers.iter().filter(|(oid, _)| !self.triggers.contains_key(*oid)) {
            let function = after.functions.get(&trigger.function).filter(|one| after.pauses(one));
            if let Some(function) = function.filter(|_| self.tables.contains(&trigger.table)) {
                add(&trigger.table_name, &format!("the trigger {}", trigger.name), &function.name);
            }
        }
        broken
    }
}
