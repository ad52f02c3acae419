//! What guides of other tools and notes of Postgres' releases warn of, each judged and then carried out for real, as
//! the random ones are.

use futures_util::{StreamExt as _, stream};
use sides_migrate::{
    Migration,
    check::{Checked, check_in},
    shadow::Place,
};
use testing::TestDatabase;

use crate::lane::is_at_least;

use super::{
    base, connect,
    grammar::Drawn,
    lane::{Run, WAITED},
    tally::Tally,
};

const AT_ONCE: usize = 3;

/// What is expected of each, and its text: a phase, `refused`, or `fails` where it does not apply at all.
fn texts() -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("field.sql").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').expect("a verdict and a text")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_guides_warn_of_is_judged_as_it_is() {
    let has_merge = is_at_least(15).await;
    let known = texts().into_iter().filter(|(_, text)| has_merge || !text.starts_with("MERGE"));
    let all = stream::iter(known).map(|(expected, text)| async move { (expected, text, tried(text).await) });
    let all: Vec<_> = all.buffered(AT_ONCE).collect().await;
    let mut wrong = Vec::new();
    for (expected, text, (found, mut felt)) in all {
        if found != expected {
            felt.push(format!("it is {found}, not {expected}"));
        }
        if !felt.is_empty() {
            wrong.push(format!("{text}\n    {}", felt.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Its verdict, and what others felt of what was called safe.
async fn tried(text: &str) -> (String, Vec<String>) {
    let lane = [Migration::new("000_base", base::SCHEMA, ""), Migration::new("001_m", text, "")];
    let live = TestDatabase::empty().await;
    let place = Place::find(live.url(), None).await.unwrap();
    let checked = match check_in(&place, &lane, |one| one.version() != "000").await {
        Ok(mut checked) => checked.remove(0),
        Err(error) => {
            println!("{text}: {error}");
            return ("fails".to_owned(), Vec::new());
        }
    };
    if checked.is_refused() {
        return (verdict(&checked), Vec::new());
    }
    let drawn = [Drawn { text: text.to_owned(), grows: true }];
    let mut faults = carried_out(&live, &lane, &drawn, &checked).await;
    for _ in 0..2 {
        // The machine may have been the reason: a wait is one when it is there again.
        if faults.is_empty() || !faults.iter().all(|fault| fault.contains(WAITED)) {
            break;
        }
        faults = carried_out(&TestDatabase::empty().await, &lane, &drawn, &checked).await;
    }
    drop(connect(live.url(), "still there").await);
    (verdict(&checked), faults)
}

/// What others felt.
async fn carried_out(
    live: &TestDatabase,
    lane: &[Migration],
    drawn: &[Drawn],
    checked: &Checked,
) -> Vec<String> {
    let mut tally = Tally::default();
    Run { seed: 1, live, traffic: None, tally: &mut tally }
        .all(lane, drawn, std::slice::from_ref(checked))
        .await;
    tally.faults
}

fn verdict(checked: &Checked) -> String {
    match checked.is_refused() {
        true => "refused".to_owned(),
        false => checked.phase.to_string(),
    }
}
