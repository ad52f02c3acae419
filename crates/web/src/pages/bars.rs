//! 90 days as 90 bars.

use chrono::NaiveDate;
use maud::{Markup, html};
use models::reads::uptime::Tally;

use crate::history::{DAYS, History};

const WIDTH: usize = 4;
const STEP: usize = 6;
const HEIGHT: usize = 34;
const CLASSES: [&str; 5] = ["none", "good", "fair", "poor", "bad"];

/// One bar a day, the newest on the right. Each says its own figures; the whole says its sum.
pub(super) fn bars(history: &History) -> Markup {
    let days = history.days();
    let view_box = format!("0 0 {} {HEIGHT}", days.len() * STEP - (STEP - WIDTH));
    let label = label(history);
    html! {
        svg.bars viewBox=(view_box) preserveAspectRatio="none" role="img" aria-label=(label) {
            @for (index, (day, tally)) in days.iter().enumerate() {
                @let height = height(class(*tally));
                rect.(class(*tally)) x=(index * STEP) y=(HEIGHT - height) width=(WIDTH) height=(height) rx="1" {
                    title { (caption(*day, *tally)) }
                }
            }
        }
    }
}

/// The same for a page with many services: a path for each class instead of a bar for each day. Days that were not
/// good are lower, so that nobody needs to see their colour.
pub(super) fn compact(history: &History) -> Markup {
    let days = history.days();
    let view_box = format!("0 0 {} {HEIGHT}", days.len() * STEP - (STEP - WIDTH));
    let label = label(history);
    let path = |wanted: &str| {
        let of_class = days.iter().enumerate().filter(|(_, (_, tally))| class(*tally) == wanted);
        let bars = of_class.map(|(index, _)| {
            let (x, height) = (index * STEP + WIDTH / 2, height(wanted));
            format!("M{x} {}v{height}", HEIGHT - height)
        });
        bars.collect::<String>()
    };
    html! {
        svg.bars.compact viewBox=(view_box) preserveAspectRatio="none" role="img" aria-label=(label) {
            @for class in CLASSES {
                @let path = path(class);
                @if !path.is_empty() { path.(class) d=(path) {} }
            }
        }
    }
}

fn label(history: &History) -> String {
    match history.span() {
        0 => format!("No pings in {DAYS} days"),
        days => format!("{} up {}", percent(history.total()), over(days)),
    }
}

/// The time that a share of good pings stands for: a service that is watched since today says nothing of 90 days.
pub(super) fn over(days: usize) -> String {
    match days {
        0 => String::new(),
        1 => "today".to_owned(),
        days => format!("over {days} days"),
    }
}

/// The share of good pings. Never rounded up to 100 %: one failure must be seen.
pub(super) fn percent(tally: Tally) -> String {
    match tally.uptime_percent() {
        None => "–".to_owned(),
        Some(_) if tally.failures == 0 => "100 %".to_owned(),
        Some(percent) => format!("{:.2} %", percent.min(99.99)),
    }
}

fn class(tally: Tally) -> &'static str {
    match tally.uptime_percent() {
        None => "none",
        Some(_) if tally.failures == 0 => "good",
        Some(percent) if percent >= 99.0 => "fair",
        Some(percent) if percent >= 90.0 => "poor",
        Some(_) => "bad",
    }
}

/// A worse day has a lower bar, and one without pings hardly any.
fn height(class: &str) -> usize {
    match class {
        "good" => HEIGHT,
        "fair" => 28,
        "poor" => 20,
        "bad" => 12,
        _ => 6,
    }
}

fn caption(day: NaiveDate, tally: Tally) -> String {
    let day = day.format("%-d %b");
    match (tally.pings, tally.failures) {
        (0, _) => format!("{day}: no pings"),
        (pings, 0) => format!("{day}: {pings} pings, all good"),
        (pings, failures) => format!("{day}: {} – {failures} of {pings} pings failed", percent(tally)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(pings: i64, failures: i64) -> Tally {
        Tally { pings, failures }
    }

    #[test]
    fn one_failure_among_many_is_seen() {
        assert_eq!(percent(tally(1_000_000, 1)), "99.99 %");
        assert_eq!(percent(tally(1_000_000, 0)), "100 %");
        assert_eq!(percent(tally(0, 0)), "–");
    }

    #[test]
    fn a_share_says_for_which_time() {
        assert_eq!([0, 1, 2, 90].map(over), ["", "today", "over 2 days", "over 90 days"]);
    }

    #[test]
    fn a_bar_has_the_colour_of_its_day() {
        let classes = [tally(0, 0), tally(9, 0), tally(100, 1), tally(100, 5), tally(2, 1)].map(class);
        assert_eq!(classes, ["none", "good", "fair", "poor", "bad"]);
    }
}
