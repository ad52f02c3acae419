//! Thirty years of changes of clocks, beside croner, which shares no code with the `cron` crate.
//!
//! Away from a change of clocks a zone is a constant, so what is compared is the two days around each of them.
//! All zones are compared with `ZONES_EVERY=1`; by default each ninth.

use ::croner::parser::{CronParser, Seconds};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Timelike as _, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use sides_schedule::{Change, Expression, Zone, next_change};

/// croner gives up on a wider gap, such as a day that was left out.
const WIDEST_GAP: TimeDelta = TimeDelta::hours(2);

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

fn changes(zone: &Zone) -> impl Iterator<Item = Change> {
    let until = moment("2030-01-01T00:00:00Z");
    std::iter::successors(next_change(moment("2000-01-01T00:00:00Z"), until, zone), move |change| {
        next_change(change.at, until, zone)
    })
}

/// Expressions that meet the change: in it, at its edges, and such that do not care.
fn expressions(change: &Change) -> Vec<String> {
    let early = change.before.min(change.behind);
    let at = |reading: NaiveDateTime| format!("{} {} * * *", reading.minute(), reading.hour());
    let within = early + (change.before - change.behind).abs() / 2;
    vec![
        at(within),
        at(change.before),
        at(change.behind),
        at(early - TimeDelta::minutes(1)),
        "*/30 * * * *".to_owned(),
        "59 * * * *".to_owned(),
        "0 0 * * 1-5".to_owned(),
    ]
}

fn ours(expression: &str, zone: &Zone, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let expression: Expression = expression.parse().expect("an expression");
    let mut all = Vec::new();
    let mut after = from;
    while let Some(next) = expression.next_after(after, zone, "a").filter(|next| *next < until) {
        assert!(next > after, "{expression} in {zone}: {next} is not later than {after}");
        all.push(next);
        after = next;
    }
    all
}

fn theirs(expression: &str, zone: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let parser = CronParser::builder().seconds(Seconds::Optional).build();
    let cron = parser.parse(expression).expect("croner reads it");
    let next = |after: DateTime<Tz>| cron.find_next_occurrence(&after, false).ok();
    std::iter::successors(next(from.with_timezone(&zone)), |last| next(*last))
        .map(|next| next.with_timezone(&Utc))
        .take_while(|next| *next < until)
        .collect()
}

#[test]
fn every_change_of_clocks_of_thirty_years_is_crossed_as_croner_does() {
    let every: usize = std::env::var("ZONES_EVERY").map_or(9, |text| text.parse().unwrap());
    let mut compared = 0;
    for theirs_zone in TZ_VARIANTS.iter().copied().step_by(every) {
        // Names that only one of the two sources has are no fault of either.
        let Ok(zone) = theirs_zone.name().parse::<Zone>() else { continue };
        for change in changes(&zone).filter(|change| change.behind - change.before <= WIDEST_GAP) {
            let (from, until) = (change.at - TimeDelta::hours(25), change.at + TimeDelta::hours(25));
            for expression in expressions(&change) {
                let (ours, theirs) =
                    (ours(&expression, &zone, from, until), theirs(&expression, theirs_zone, from, until));
                assert_eq!(ours, theirs, "{expression} in {zone}, {change:?}");
                compared += ours.len();
            }
        }
    }
    assert!(compared > 10_000, "only {compared} firings were compared");
}

#[test]
fn years_without_zones_are_the_same() {
    for expression in [
        "0 9 L * *",
        "0 9 15W * *",
        "30 6 * * FRI#3",
        "0 0 * * 5L",
        "*/7 3-9 1,15 * *",
        "0 12 * 2 *",
        "5 4 29 2 *",
        "0 0 13 * 5",
        "15 10 * * 0,6",
        "0 0 31 * *",
    ] {
        let (from, until) = (moment("2000-01-01T00:00:00Z"), moment("2030-01-01T00:00:00Z"));
        let until = if expression.starts_with("*/7") { moment("2003-01-01T00:00:00Z") } else { until };
        let (ours, theirs) =
            (ours(expression, &Zone::utc(), from, until), theirs(expression, Tz::UTC, from, until));
        assert_eq!(ours, theirs, "{expression}");
        assert!(ours.len() > 5, "{expression}");
    }
}
