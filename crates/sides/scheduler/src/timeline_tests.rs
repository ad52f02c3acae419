use super::*;

const NOTHING: Known = Known { announced: None, next_due_at: None, last_due_at: None };

fn moment(text: &str) -> DateTime<Utc> {
    format!("2026-11-{text}Z").parse().unwrap()
}

fn entry(expression: &str) -> Entry {
    let schedule = Schedule::new("a", expression, "work").unwrap();
    Entry { schedule, not_before: None, is_paused: false, is_stored: false }
}

fn learn(timeline: &mut Timeline, known: Known, now: &str) {
    timeline.learn(&[("a".to_owned(), known)].into(), moment(now));
}

fn timeline(known: Known, now: &str) -> Timeline {
    let mut timeline = Timeline::default();
    assert_eq!(timeline.set(vec![entry("@hourly")]).unknown, ["a"]);
    learn(&mut timeline, known, now);
    timeline
}

fn known(expression: &str, next: &str, last: Option<&str>) -> Known {
    Known {
        announced: Some((expression.to_owned(), "UTC".to_owned())),
        next_due_at: Some(moment(next)),
        last_due_at: last.map(moment),
    }
}

fn due(timeline: &Timeline, now: &str) -> Vec<DateTime<Utc>> {
    timeline.due(moment(now), 9).due.iter().map(|due| due.at).collect()
}

#[test]
fn a_new_schedule_begins_now() {
    let timeline = timeline(NOTHING, "23T09:30:00");
    assert!(due(&timeline, "23T09:30:00").is_empty());
    assert_eq!(timeline.wake_at(), Some(moment("23T10:00:00")));
}

#[test]
fn a_stored_one_begins_with_its_row_whoever_hears_of_it_late() {
    let mut timeline = Timeline::default();
    let stored = Entry { not_before: Some(moment("23T08:30:00")), is_stored: true, ..entry("@hourly") };
    timeline.set(vec![stored]);
    learn(&mut timeline, NOTHING, "23T09:30:00");
    assert_eq!(due(&timeline, "23T09:30:00"), [moment("23T09:00:00")]);
    assert_eq!(timeline.set(Vec::new()).removed, ["a"]);
    assert_eq!(timeline.wake_at(), None);
}

#[test]
fn what_was_announced_and_not_fired_was_missed() {
    let never_fired = timeline(known("@hourly", "23T08:00:00", None), "23T09:30:00");
    assert_eq!(due(&never_fired, "23T09:30:00"), [moment("23T09:00:00")]);
    let fired = known("@hourly", "23T08:00:00", Some("23T09:00:00"));
    assert!(due(&timeline(fired, "23T09:30:00"), "23T09:30:00").is_empty());
}

#[test]
fn another_expression_owes_nothing() {
    let announced = known("@daily", "23T00:00:00", Some("22T00:00:00"));
    assert!(due(&timeline(announced, "23T09:30:00"), "23T09:30:00").is_empty());
    let mut edited = timeline(NOTHING, "23T07:30:00");
    assert_eq!(edited.set(vec![entry("@daily")]).unknown, ["a"]);
    learn(&mut edited, known("@hourly", "23T08:00:00", None), "23T09:30:00");
    assert_eq!(edited.wake_at(), Some(moment("24T00:00:00")));
}

#[test]
fn a_clock_that_lost_its_database_goes_on_where_it_was() {
    let mut timeline = timeline(NOTHING, "23T09:30:00");
    learn(&mut timeline, NOTHING, "23T12:30:00");
    assert_eq!(due(&timeline, "23T12:30:00"), [moment("23T12:00:00")]);
    learn(&mut timeline, known("@hourly", "23T13:00:00", Some("23T12:00:00")), "23T12:30:00");
    assert!(due(&timeline, "23T12:30:00").is_empty());
}

#[test]
fn nothing_is_due_twice() {
    let mut timeline = timeline(NOTHING, "23T09:30:00");
    let round = timeline.due(moment("23T10:00:01"), 9);
    for one in &round.due {
        timeline.fired(one);
    }
    timeline.complete(&round);
    assert!(due(&timeline, "23T10:00:02").is_empty());
    assert_eq!(timeline.wake_at(), Some(moment("23T11:00:00")));
}

#[test]
fn a_pause_is_given_up_when_it_ends() {
    let mut timeline = timeline(NOTHING, "23T09:30:00");
    assert_eq!(timeline.set(vec![Entry { is_paused: true, ..entry("@hourly") }]), Changed::default());
    assert_eq!(timeline.wake_at(), None);
    assert!(due(&timeline, "23T12:30:00").is_empty());
    let resumed = || Entry { not_before: Some(moment("23T12:30:00")), ..entry("@hourly") };
    timeline.set(vec![resumed()]);
    assert!(due(&timeline, "23T12:45:00").is_empty());
    assert_eq!(timeline.wake_at(), Some(moment("23T13:00:00")));
    // A scheduler that starts later sees the same.
    let mut other = Timeline::default();
    other.set(vec![resumed()]);
    learn(&mut other, known("@hourly", "23T10:00:00", Some("23T09:00:00")), "23T12:45:00");
    assert!(due(&other, "23T12:45:00").is_empty());
}

#[test]
fn a_run_on_demand_moves_nothing() {
    let mut timeline = timeline(NOTHING, "23T09:30:00");
    let schedule = timeline.find("a").unwrap().clone();
    timeline.fired(&Due { schedule, at: moment("23T10:07:00"), asked_by: Some("ann".to_owned()) });
    assert_eq!(due(&timeline, "23T10:07:00"), [moment("23T10:00:00")]);
}

#[test]
fn much_at_once_comes_in_rounds_and_nothing_is_lost() {
    let every = |name: &str| {
        let mut schedule = Schedule::new(name, "*/10 * * * *", "work").unwrap();
        schedule.missed = schedule::Missed::AllWithin(std::time::Duration::from_secs(3600));
        Entry { schedule, ..entry("@hourly") }
    };
    let mut timeline = Timeline::default();
    timeline.set(vec![every("a"), every("b"), every("c")]);
    let nothing = ["a", "b", "c"].map(|name| (name.to_owned(), NOTHING)).into();
    timeline.learn(&nothing, moment("23T08:59:00"));
    let (mut rounds, mut fired) = (0, Vec::new());
    loop {
        let round = timeline.due(moment("23T09:59:00"), 5);
        if round.due.is_empty() {
            break;
        }
        rounds += 1;
        fired.extend(round.due.iter().map(|due| (due.schedule.name.clone(), due.at)));
        timeline.complete(&round);
    }
    fired.sort();
    fired.dedup();
    assert_eq!((rounds, fired.len()), (3, 18));
}
