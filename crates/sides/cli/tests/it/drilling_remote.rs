//! The drills that ship with the product, at a simulated Heroku: every row of the list ends as it says, or says why it cannot be
//! there. Several stages play side by side: each takes the next row that nobody has played.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

use deploy::drill::list::{DRILLS, Drill};

use crate::drill_stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn every_drill_ends_well_at_heroku_or_says_why_it_cannot_be_there() {
    let (there, not_there): (Vec<&Drill>, Vec<&Drill>) =
        DRILLS.iter().partition(|drill| drill.not_at_heroku().is_none());
    let rows = RefCell::new(VecDeque::from(there));
    let (one, two, three) = tokio::join!(play(&rows), play(&rows), play(&rows));
    let faults: BTreeMap<&str, Vec<String>> = one.into_iter().chain(two).chain(three).collect();
    for drill in not_there {
        println!("{}: not at Heroku: {}", drill.name, drill.not_at_heroku().unwrap());
    }
    let bad: Vec<_> = faults.iter().filter(|(_, faults)| !faults.is_empty()).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let reasons = DRILLS.iter().filter_map(Drill::not_at_heroku).inspect(|why| assert!(!why.is_empty()));
    assert_eq!(faults.len() + reasons.count(), DRILLS.len(), "{faults:?}");
}

/// Plays until no row is left: what was not as it must be, by row.
async fn play<'d>(rows: &RefCell<VecDeque<&'d Drill>>) -> Vec<(&'d str, Vec<String>)> {
    let mut stage = Stage::set().await;
    let mut all = Vec::new();
    loop {
        let Some(drill) = rows.borrow_mut().pop_front() else { break };
        let begun = Instant::now();
        let (ended, faults) = stage.play(drill).await;
        println!("{}: {ended} ({:.1} s) {}", drill.name, begun.elapsed().as_secs_f64(), faults.join("; "));
        let is_good = faults.is_empty();
        all.push((drill.name, faults));
        // What did not end well leaves a broken stage.
        if !is_good {
            stage = Stage::set().await;
        }
    }
    stage.strike();
    all
}
