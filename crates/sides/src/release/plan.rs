//! What to do, in which order: values in, steps out.

use std::fmt;

use crate::releases::{Digest, Interrupted, Set};

/// The steps of one release. A process that is not named stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Pending migrations, run first: old code goes on with the new schema, new code may need it.
    pub(crate) migrations: Vec<String>,
    /// The processes, in the order in which they are replaced.
    pub(crate) rolls: Vec<Step>,
    /// Processes whose bytes are what runs.
    pub(crate) unchanged: Vec<String>,
}

/// One process and its release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) process: String,
    /// What runs now; none for a process that was never released.
    pub(crate) from: Option<Digest>,
    pub(crate) to: Digest,
}

impl Plan {
    /// From what runs to what is wanted. Who works jobs goes before who enqueues them, and who answers people
    /// goes last: the worker, the clock, others by name, web.
    pub(crate) fn of(running: &Set, wanted: &Set, migrations: Vec<String>) -> Self {
        let (mut rolls, mut unchanged) = (Vec::new(), Vec::new());
        for (process, to) in wanted {
            match running.get(process) {
                Some(from) if from == to => unchanged.push(process.clone()),
                from => rolls.push(Step { process: process.clone(), from: from.cloned(), to: to.clone() }),
            }
        }
        rolls.sort_by_key(|step| (place(&step.process), step.process.clone()));
        Self { migrations, rolls, unchanged }
    }

    /// The same steps for the way back: who enqueues goes before who works what it enqueued.
    pub(crate) fn backwards(mut self) -> Self {
        self.rolls.reverse();
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.migrations.is_empty() && self.rolls.is_empty()
    }
}

fn place(process: &str) -> u8 {
    match process {
        "worker" => 0,
        "clock" => 1,
        "web" => 3,
        _ => 2,
    }
}

/// What to say of a release that was cut off.
pub(crate) fn cut_off(release: &Interrupted, running: &Set) -> String {
    let done: Vec<&str> = release
        .to
        .iter()
        .filter(|(process, to)| release.from.get(*process) != Some(to) && running.get(*process) == Some(to))
        .map(|(process, _)| process.as_str())
        .collect();
    let done = if done.is_empty() { "nothing".to_owned() } else { done.join(", ") };
    format!(
        "the last release was cut off after it had replaced {done}; this one goes on from there, \
         `sides rollback` would undo it"
    )
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("Nothing to do: every process runs exactly these bytes.");
        }
        f.write_str("Plan:")?;
        let mut number = 0;
        if !self.migrations.is_empty() {
            number += 1;
            write!(f, "\n  {number}. migrate: {}", self.migrations.join(", "))?;
        }
        for step in &self.rolls {
            number += 1;
            let from = step.from.as_ref().map_or_else(|| "new".to_owned(), ToString::to_string);
            write!(f, "\n  {number}. replace {}: {from} → {}", step.process, step.to)?;
        }
        if !self.unchanged.is_empty() {
            write!(f, "\n  unchanged: {}", self.unchanged.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, char)]) -> Set {
        let digest = |letter: &char| Digest::parse(&letter.to_string().repeat(64)).unwrap();
        pairs.iter().map(|(process, letter)| ((*process).to_owned(), digest(letter))).collect()
    }

    fn order(plan: &Plan) -> Vec<&str> {
        plan.rolls.iter().map(|step| step.process.as_str()).collect()
    }

    #[test]
    fn only_changed_bytes_are_released_workers_first_and_web_last() {
        let running = set(&[("web", 'a'), ("worker", 'a'), ("clock", 'a'), ("mail", 'a')]);
        let wanted = set(&[("web", 'b'), ("worker", 'b'), ("clock", 'a'), ("mail", 'b')]);
        let plan = Plan::of(&running, &wanted, Vec::new());
        assert_eq!(order(&plan), ["worker", "mail", "web"]);
        assert_eq!(plan.unchanged, ["clock"]);
        assert_eq!(order(&plan.backwards()), ["web", "mail", "worker"]);
    }

    #[test]
    fn what_was_not_built_is_left_alone_and_a_new_process_is_started() {
        let plan = Plan::of(&set(&[("web", 'a')]), &set(&[("worker", 'b')]), Vec::new());
        assert_eq!((order(&plan), plan.rolls[0].from.clone()), (vec!["worker"], None));
    }

    #[test]
    fn the_same_bytes_are_nothing_to_do_unless_the_schema_waits() {
        let running = set(&[("web", 'a')]);
        assert!(Plan::of(&running, &running, Vec::new()).is_empty());
        let plan = Plan::of(&running, &running, vec!["1_add".to_owned()]);
        assert_eq!(plan.to_string(), "Plan:\n  1. migrate: 1_add\n  unchanged: web");
    }

    #[test]
    fn a_release_that_was_cut_off_is_told_with_what_it_had_done() {
        let release = Interrupted {
            from: set(&[("web", 'a'), ("worker", 'a'), ("clock", 'c')]),
            to: set(&[("web", 'b'), ("worker", 'b'), ("clock", 'c')]),
        };
        let now = set(&[("web", 'a'), ("worker", 'b'), ("clock", 'c')]);
        assert!(cut_off(&release, &now).contains("had replaced worker;"));
        assert!(cut_off(&release, &release.from).contains("had replaced nothing;"));
    }
}
