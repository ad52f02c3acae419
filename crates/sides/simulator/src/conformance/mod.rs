//! What every [`Place`] passes, whoever runs the processes.
//!
//! A place's tests make a [`Harness`] that runs nothing yet and hand it to each of these functions, one test each.

mod builds;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use platform::place::{Bundle, Instance, InstanceState, Place, PlaceError, Which, Why};

use crate::Fault;

pub use builds::{Script, bundle};

/// Long enough for two busy cores.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the builds of the suite do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// Answers, and prints `first started` at its start.
    First,
    /// Answers, and prints `second started` at its start.
    Second,
    /// Runs and never answers.
    NeverReady,
}

/// A place, and ways to hurt it.
#[async_trait]
pub trait Harness: Send + Sync {
    /// It runs nothing yet.
    fn place(&self) -> &dyn Place;
    /// The same place as another deployer sees it.
    fn other(&self) -> &dyn Place;
    /// A process it knows.
    fn process(&self) -> &str;
    /// The release's name, and its files. Any `sh -c` script can be run in it.
    fn build(&self, build: Build) -> (String, Bundle);
    /// Takes the machine away under an instance.
    async fn lose(&self, instance: &Instance);
    /// Lets the next order meet a fault; false where it cannot happen.
    fn inject(&self, fault: Fault) -> bool;
}

fn why() -> Why {
    Why { asked_by: "the suite".to_owned(), reason: "to see it".to_owned() }
}

async fn healthy(harness: &dyn Harness) -> Vec<Instance> {
    let all = harness.place().instances(harness.process()).await.expect("what runs");
    all.into_iter().filter(|one| one.state == InstanceState::Healthy).collect()
}

/// Waits until exactly so many instances are healthy, all of this release.
async fn wait_for(harness: &dyn Harness, release: &str, count: usize) -> Vec<Instance> {
    wait_for_others(harness, release, count, &[]).await
}

/// None of which is one of these.
async fn wait_for_others(harness: &dyn Harness, release: &str, count: usize, gone: &[&str]) -> Vec<Instance> {
    let begun = Instant::now();
    loop {
        let found = healthy(harness).await;
        let is_wanted = |one: &Instance| one.release == release && !gone.contains(&one.id.as_str());
        if found.len() == count && found.iter().all(is_wanted) {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "wanted {count} × {release} without {gone:?}, found {found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn put(harness: &dyn Harness, build: Build) -> Result<String, PlaceError> {
    let (release, bundle) = harness.build(build);
    harness.place().offer(harness.process(), &release, &bundle).await?;
    harness.place().put(harness.process(), &release, &why()).await?;
    Ok(release)
}

fn ids(instances: &[Instance]) -> Vec<&str> {
    let mut ids: Vec<&str> = instances.iter().map(|one| one.id.as_str()).collect();
    ids.sort_unstable();
    ids
}

/// A process is started, replaced and not touched when nothing changes; an unknown one is refused.
pub async fn puts_a_release(harness: &dyn Harness) {
    let (place, process) = (harness.place(), harness.process());
    assert!(healthy(harness).await.is_empty(), "the harness is not empty");
    let unknown = place.instances("nobody").await.expect_err("nobody is no process");
    assert!(matches!(unknown, PlaceError::UnknownProcess { .. }), "{unknown:?}");
    let first = put(harness, Build::First).await.expect("the first release");
    let running = wait_for(harness, &first, 1).await;
    put(harness, Build::First).await.expect("the same again");
    assert_eq!(ids(&wait_for(harness, &first, 1).await), ids(&running), "the same again started something");
    let second = put(harness, Build::Second).await.expect("the second release");
    let replaced = wait_for(harness, &second, 1).await;
    assert_ne!(ids(&replaced), ids(&running));
    // Back, without offering the bytes again.
    place.put(process, &first, &why()).await.expect("the way back");
    wait_for(harness, &first, 1).await;
    let never = place.put(process, "never-offered", &why()).await.expect_err("nobody offered this");
    assert!(matches!(never, PlaceError::Refused { .. }), "{never:?}");
    wait_for(harness, &first, 1).await;
}

/// Up, down, again the same, and too many.
pub async fn scales(harness: &dyn Harness) {
    let (place, process) = (harness.place(), harness.process());
    let first = put(harness, Build::First).await.expect("a release");
    for count in [3, 3, 1] {
        place.scale(process, count, &why()).await.expect("scaled");
        wait_for(harness, &first, count as usize).await;
    }
    let most = place.abilities(process).most_instances;
    if most < 1000 {
        let refused = place.scale(process, most + 1, &why()).await.expect_err("too many");
        assert!(matches!(refused, PlaceError::Refused { .. }), "{refused:?}");
        wait_for(harness, &first, 1).await;
    }
}

/// One instance, then all; one that is not there is refused.
pub async fn restarts(harness: &dyn Harness) {
    let (place, process) = (harness.place(), harness.process());
    let first = put(harness, Build::First).await.expect("a release");
    place.scale(process, 2, &why()).await.expect("scaled");
    let before = wait_for(harness, &first, 2).await;
    place.restart(process, Which::One(before[0].id.clone()), &why()).await.expect("one restarted");
    // While the machine is busy, one that leaves may be seen before it says so.
    let one = wait_for_others(harness, &first, 2, &[&before[0].id]).await;
    assert!(ids(&one).contains(&before[1].id.as_str()), "the other instance is another");
    place.restart(process, Which::All, &why()).await.expect("all restarted");
    wait_for_others(harness, &first, 2, &ids(&one)).await;
    let gone = place.restart(process, Which::One("nobody".to_owned()), &why()).await;
    assert!(matches!(gone, Err(PlaceError::Refused { .. })), "{gone:?}");
}

/// A command to its end, with its exit code and what it said.
pub async fn runs_once(harness: &dyn Harness) {
    let (place, process) = (harness.place(), harness.process());
    put(harness, Build::First).await.expect("a release");
    for (script, code) in [("echo 'all is' well", 0), ("echo not well; exit 3", 3)] {
        let command = ["sh", "-c", script].map(str::to_owned);
        let ended = place.run_once(process, &command, &why()).await.expect("it ran");
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.output.contains("well"), "{ended:?}");
    }
}

/// What the instances printed, the last lines last.
pub async fn keeps_logs(harness: &dyn Harness) {
    let (place, process) = (harness.place(), harness.process());
    put(harness, Build::First).await.expect("a release");
    put(harness, Build::Second).await.expect("another release");
    let begun = Instant::now();
    loop {
        let lines = place.logs(process, 100).await.expect("logs");
        let at = |text: &str| lines.iter().position(|line| line.contains(text));
        if let (Some(first), Some(second)) = (at("first started"), at("second started")) {
            assert!(first < second, "{lines:?}");
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{lines:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(place.logs(process, 1).await.expect("logs").len() <= 1);
}

/// A release that never answers is refused, and the one before it goes on or comes back.
pub async fn gives_up_what_never_answers(harness: &dyn Harness) {
    let first = put(harness, Build::First).await.expect("a release");
    let refused = put(harness, Build::NeverReady).await.expect_err("it never answers");
    assert!(matches!(refused, PlaceError::Refused { .. }), "{refused:?}");
    wait_for(harness, &first, 1).await;
    let second = put(harness, Build::Second).await.expect("the next one");
    wait_for(harness, &second, 1).await;
}

/// An instance whose machine is lost comes back, and meanwhile nothing claims that it is healthy.
pub async fn replaces_what_vanishes(harness: &dyn Harness) {
    let first = put(harness, Build::First).await.expect("a release");
    harness.place().scale(harness.process(), 2, &why()).await.expect("scaled");
    let before = wait_for(harness, &first, 2).await;
    harness.lose(&before[0]).await;
    let begun = Instant::now();
    while healthy(harness)
        .await
        .iter()
        .filter(|one| one.details == before[0].details && one.since == before[0].since)
        .count()
        > 0
    {
        assert!(begun.elapsed() < PATIENCE, "a lost instance is called healthy");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    wait_for(harness, &first, 2).await;
}

/// Every order ends where it should with every fault on the way.
pub async fn orders_survive_faults(harness: &dyn Harness) {
    let (place, process) = (harness.place(), harness.process());
    let first = put(harness, Build::First).await.expect("a release");
    for fault in [Fault::LostAnswer, Fault::TooMany, Fault::Down] {
        for build in [Build::Second, Build::First] {
            if !harness.inject(fault) {
                return;
            }
            let (release, bundle) = harness.build(build);
            place
                .offer(process, &release, &bundle)
                .await
                .unwrap_or_else(|error| panic!("offer, {fault:?}: {error}"));
            place
                .put(process, &release, &why())
                .await
                .unwrap_or_else(|error| panic!("put, {fault:?}: {error}"));
            wait_for(harness, &release, 1).await;
        }
        harness.inject(fault);
        place.scale(process, 2, &why()).await.unwrap_or_else(|error| panic!("scale, {fault:?}: {error}"));
        let two = wait_for(harness, &first, 2).await;
        harness.inject(fault);
        let one = Which::One(two[0].id.clone());
        place
            .restart(process, one, &why())
            .await
            .unwrap_or_else(|error| panic!("restart, {fault:?}: {error}"));
        let restarted = wait_for(harness, &first, 2).await;
        assert!(
            ids(&restarted).contains(&two[1].id.as_str()),
            "{fault:?}: the other instance was restarted too"
        );
        place.scale(process, 1, &why()).await.expect("scaled");
        wait_for(harness, &first, 1).await;
    }
}

/// Two who release at once: what runs at the end is whole, and who says "done" is right.
pub async fn two_deployers_leave_one_release(harness: &dyn Harness) {
    let process = harness.process();
    put(harness, Build::First).await.expect("a release");
    let (second, bundle) = harness.build(Build::Second);
    harness.place().offer(process, &second, &bundle).await.expect("offered");
    let (first, _) = harness.build(Build::First);
    let why = why();
    let (one, other) =
        tokio::join!(harness.place().put(process, &second, &why), harness.other().put(process, &first, &why));
    for result in [&one, &other] {
        assert!(
            matches!(result, Ok(()) | Err(PlaceError::Busy { .. } | PlaceError::Refused { .. })),
            "{result:?}"
        );
    }
    let begun = Instant::now();
    let runs = loop {
        let running = healthy(harness).await;
        if running.len() == 1 {
            break running[0].release.clone();
        }
        assert!(begun.elapsed() < PATIENCE, "{running:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(runs == first || runs == second, "{runs}");
    // The first was running: who asked for it may have found it there.
    assert!(runs == second && one.is_ok() || runs == first && other.is_ok(), "{runs}: {one:?}, {other:?}");
    let last = put(harness, Build::Second).await.expect("and on it goes");
    wait_for(harness, &last, 1).await;
}
