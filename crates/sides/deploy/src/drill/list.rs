//! The drills, one row each. A bad release that somebody meets becomes a row.

use manifest::Role;

use super::fault::Fault;
pub use super::row::{At, Drill, Ends, MayFail, Mischief};

const ONE_RELEASE: &str = "all dynos of a process run one release: there is no canary";
const NO_FIGURE: &str =
    "a release is not told how much memory a dyno takes; Heroku ends one that takes far too much";
const NO_HOST: &str = "no host of ours runs there; `place-away` has Heroku itself not answer";
const NO_DISK: &str =
    "the disk with the kept builds is that of the machine that releases, wherever a process runs";
const IS_HOST: &str =
    "on a stage the host of this machine is the only place; `host-away` has that not answer";

const ROW: Drill = Drill {
    name: "",
    what: "",
    role: Role::Listens,
    instances: 1,
    fault: Fault::Harmless,
    mischief: Mischief::None,
    ends: Ends::Undone,
    may_fail: MayFail::None,
    at: At::EveryPlace,
};

/// All of them, in the order in which they are carried out.
pub const DRILLS: &[Drill] = &[
    Drill {
        name: "web-dies-at-start",
        what: "The new web ends as soon as it is started.",
        fault: Fault::DiesAtStart,
        ..ROW
    },
    Drill {
        name: "web-never-ready",
        what: "The new web starts and never becomes ready.",
        fault: Fault::NeverReady,
        ..ROW
    },
    Drill {
        name: "web-answers-500",
        what: "The new web is good at first, then answers 500 to everybody.",
        fault: Fault::Answers500,
        may_fail: MayFail::AnsweredByBadBuild,
        ..ROW
    },
    Drill {
        name: "web-answers-some-500",
        what: "The new web is good at first, then answers 500 to one request in 200.",
        fault: Fault::AnswersSome500,
        may_fail: MayFail::AnsweredByBadBuild,
        ..ROW
    },
    Drill {
        name: "web-cuts-off",
        what: "The new web is good at first, then ends its answers in the middle.",
        fault: Fault::CutsOff,
        may_fail: MayFail::CutOff,
        ..ROW
    },
    Drill {
        name: "web-hangs",
        what: "The new web is good at first, then accepts and never answers.",
        fault: Fault::Hangs,
        may_fail: MayFail::CutOff,
        ..ROW
    },
    Drill {
        name: "web-slow-at-start",
        what: "The new web takes 1.5 s longer for each answer from the start.",
        fault: Fault::SlowAtStart,
        ..ROW
    },
    Drill {
        name: "web-slow",
        what: "The new web is good at first, then takes 1.5 s longer for each answer.",
        fault: Fault::Slow,
        ..ROW
    },
    Drill {
        name: "web-dies",
        what: "The new web is good at first, then ends.",
        fault: Fault::Dies,
        may_fail: MayFail::CutOff,
        ..ROW
    },
    Drill {
        name: "web-leaks",
        what: "The new web is good at first, then takes 20 MB more each second, up to 400.",
        fault: Fault::Leaks,
        at: At::Machine(NO_FIGURE),
        ..ROW
    },
    Drill {
        name: "web-canary-answers-500",
        what: "There are three webs; the first new one is good at first, then answers 500 to everybody.",
        instances: 3,
        fault: Fault::Answers500,
        may_fail: MayFail::AnsweredByBadBuild,
        at: At::Machine(ONE_RELEASE),
        ..ROW
    },
    Drill {
        name: "worker-dies-at-start",
        what: "The new worker ends as soon as it is started.",
        role: Role::Works,
        fault: Fault::DiesAtStart,
        ..ROW
    },
    Drill {
        name: "worker-dies",
        what: "The new worker is good at first, then ends.",
        role: Role::Works,
        fault: Fault::Dies,
        ..ROW
    },
    Drill {
        name: "worker-leaks",
        what: "The new worker is good at first, then takes 20 MB more each second, up to 400.",
        role: Role::Works,
        fault: Fault::Leaks,
        at: At::Machine(NO_FIGURE),
        ..ROW
    },
    Drill {
        name: "worker-fails-one-kind",
        what: "The new worker is good at first, then fails at most jobs of one kind.",
        role: Role::Works,
        fault: Fault::FailsOneKind,
        ..ROW
    },
    Drill {
        name: "worker-fails-jobs",
        what: "The new worker is ready, takes jobs and fails at all of them.",
        role: Role::Works,
        fault: Fault::FailsJobs,
        ..ROW
    },
    Drill {
        name: "worker-canary-fails-jobs",
        what: "There are two workers; the first new one takes jobs and fails at all of them.",
        role: Role::Works,
        instances: 2,
        fault: Fault::FailsJobs,
        at: At::Machine(ONE_RELEASE),
        ..ROW
    },
    Drill {
        name: "clock-late",
        what: "The new clock is good at first, then stands still for 8 of every 9 s.",
        role: Role::Fires,
        fault: Fault::Late,
        ..ROW
    },
    Drill {
        name: "clock-dies",
        what: "The new clock is good at first, then ends.",
        role: Role::Fires,
        fault: Fault::Dies,
        ..ROW
    },
    Drill {
        name: "clock-dies-at-start",
        what: "The new clock ends as soon as it is started.",
        role: Role::Fires,
        fault: Fault::DiesAtStart,
        ..ROW
    },
    Drill {
        name: "postgres-away",
        what: "Postgres does not answer for 6 s while a good new web is watched.",
        mischief: Mischief::PostgresAway,
        ends: Ends::Released,
        may_fail: MayFail::WhileAway,
        ..ROW
    },
    Drill {
        name: "command-killed",
        what: "`sides release` is killed (-9) while a good new web is watched; `sides rollback` follows.",
        mischief: Mischief::CommandKilled,
        ends: Ends::RolledBack,
        ..ROW
    },
    Drill {
        name: "host-killed",
        what: "The host is killed (-9) while a good new web is watched, and is started again.",
        mischief: Mischief::HostKilled,
        ends: Ends::Released,
        at: At::Machine(NO_HOST),
        ..ROW
    },
    Drill {
        name: "host-away",
        what: "The host does not answer for 8 s while a good new web is watched.",
        mischief: Mischief::HostAway,
        ends: Ends::Released,
        at: At::Machine(NO_HOST),
        ..ROW
    },
    Drill {
        name: "disk-full",
        what: "The disk with the kept builds fills while a good new web is watched; `sides rollback` follows when there is room.",
        mischief: Mischief::DiskFull,
        ends: Ends::RolledBack,
        at: At::Machine(NO_DISK),
        ..ROW
    },
    Drill {
        name: "place-away",
        what: "The place does not answer for 8 s while a good new web is watched.",
        mischief: Mischief::PlaceAway,
        ends: Ends::Released,
        at: At::Heroku(IS_HOST),
        ..ROW
    },
    Drill {
        name: "place-away-from-bad-web",
        what: "The new web is good at first, then answers 500 to everybody, and from then on the place does not answer for 8 s.",
        fault: Fault::Answers500,
        mischief: Mischief::PlaceAway,
        may_fail: MayFail::AnsweredByBadBuild,
        at: At::Heroku(IS_HOST),
        ..ROW
    },
    Drill {
        name: "place-fails",
        what: "The place answers the orders of a release with 429 and 503, and loses an answer.",
        mischief: Mischief::PlaceFails,
        ends: Ends::Released,
        at: At::Heroku(IS_HOST),
        ..ROW
    },
];

/// The drills of these names, all for none.
///
/// # Errors
/// Names a drill that is not there.
pub fn named(names: &[String]) -> Result<Vec<&'static Drill>, String> {
    if names.is_empty() {
        return Ok(DRILLS.iter().collect());
    }
    let find = |name: &String| {
        let found = DRILLS.iter().find(|drill| drill.name == name);
        found.ok_or_else(|| format!("there is no drill {name:?}; `sides drill --list` lists them"))
    };
    names.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own_and_a_sentence() {
        let names: BTreeSet<&str> = DRILLS.iter().map(|drill| drill.name).collect();
        assert_eq!(names.len(), DRILLS.len());
        for drill in DRILLS {
            assert!(!drill.name.is_empty() && drill.what.ends_with('.'), "{drill:?}");
            assert_eq!(drill.fault.to_string().parse(), Ok(drill.fault));
            let is_bad = drill.fault != Fault::Harmless;
            assert_eq!(is_bad, drill.ends == Ends::Undone, "{}", drill.name);
            let is_left_alone = drill.mischief == Mischief::None;
            assert!(is_bad == is_left_alone || drill.name == "place-away-from-bad-web", "{}", drill.name);
            assert!(drill.not_here().is_none() || drill.not_at_heroku().is_none(), "{}", drill.name);
        }
        assert!(named(&["nope".to_owned()]).unwrap_err().contains("--list"));
        assert_eq!(named(&[]).unwrap().len(), DRILLS.len());
    }
}
