//! A chart of latency over time.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use models::{Ping, PingHour};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 72.0;
const BOTTOM: f64 = 24.0;
const TOP: f64 = 10.0;

/// One moment of the chart, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    at: DateTime<Utc>,
    typical: f64,
    slow: f64,
}

/// Hourly figures once there are enough of them; until then the pings themselves.
pub(super) fn points(hours: &[PingHour], newest_first: &[Ping]) -> Vec<Point> {
    if hours.len() >= 6 {
        let point = |hour: &PingHour| Point {
            at: hour.hour,
            typical: hour.latency_ms_avg.into(),
            slow: hour.latency_ms_p95.into(),
        };
        return hours.iter().map(point).collect();
    }
    let good = newest_first.iter().rev().filter(|ping| ping.ok);
    good.map(|ping| Point { at: ping.due_at, typical: ping.latency_ms.into(), slow: ping.latency_ms.into() })
        .collect()
}

/// A line for the typical latency, and an area up to what 95 % stayed under.
pub(super) fn chart(points: &[Point]) -> Markup {
    let [first, .., last] = points else {
        return html! { p.quiet { "No chart yet: it needs two successful pings." } };
    };
    let ceiling = ceiling(points.iter().map(|point| point.slow.max(point.typical)).fold(0.0, f64::max));
    let span = milliseconds(last.at, first.at).max(1.0);
    let x = |point: &Point| LEFT + (WIDTH - LEFT) * milliseconds(point.at, first.at) / span;
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - value / ceiling);
    let line = |value: fn(&Point) -> f64| -> Vec<String> {
        points.iter().map(|point| format!("{:.1},{:.1}", x(point), y(value(point)))).collect()
    };
    let typical = line(|point| point.typical);
    let floor = y(0.0);
    let area = format!("{:.1},{floor:.1} {} {:.1},{floor:.1}", x(first), line(|p| p.slow).join(" "), x(last));
    let label = format!("Latency, at most {ceiling:.0} ms");
    html! {
        svg.chart viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(label) {
            @for share in [0.0, 0.5, 1.0] {
                line.grid x1=(LEFT) x2=(WIDTH) y1=(y(ceiling * share)) y2=(y(ceiling * share)) {}
                text.axis x=(LEFT - 8.0) y=(y(ceiling * share) + 4.0) text-anchor="end" {
                    (format!("{:.0} ms", ceiling * share))
                }
            }
            polygon.area points=(area) {}
            polyline.line points=(typical.join(" ")) {}
            text.axis x=(LEFT) y=(HEIGHT - 6.0) { (moment(first.at)) }
            text.axis x=(WIDTH) y=(HEIGHT - 6.0) text-anchor="end" { (moment(last.at)) }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few days in milliseconds are far below 2^52")]
fn milliseconds(later: DateTime<Utc>, earlier: DateTime<Utc>) -> f64 {
    (later - earlier).num_milliseconds() as f64
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%-d %b, %H:%M").to_string()
}

/// The next round number that leaves nothing out: 1, 2 or 5 times a power of ten, at least 10.
fn ceiling(highest: f64) -> f64 {
    let power = 10_f64.powf(highest.max(10.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|c| *c >= highest).unwrap_or(highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_is_round_and_leaves_nothing_out() {
        for (highest, expected) in
            [(0.0, 10.0), (10.0, 10.0), (11.0, 20.0), (480.0, 500.0), (5_001.0, 10_000.0)]
        {
            assert!((ceiling(highest) - expected).abs() < 1e-6, "{highest}: {}", ceiling(highest));
        }
    }

    #[test]
    fn no_point_leaves_the_picture() {
        let start = Utc::now();
        let points: Vec<Point> = (0..50)
            .map(|minute| Point {
                at: start + chrono::TimeDelta::minutes(minute),
                typical: f64::from(i32::try_from(minute).unwrap() * 37 % 400),
                slow: 900.0,
            })
            .collect();
        let svg = chart(&points).into_string();
        let line = svg.split("class=\"line\" points=\"").nth(1).unwrap().split('"').next().unwrap();
        for point in line.split(' ') {
            let (x, y) = point.split_once(',').unwrap();
            assert!((LEFT..=WIDTH).contains(&x.parse().unwrap()), "{point}");
            assert!((TOP..=HEIGHT - BOTTOM).contains(&y.parse().unwrap()), "{point}");
        }
    }

    #[test]
    fn nothing_and_one_ping_are_no_chart() {
        let point = Point { at: Utc::now(), typical: 1.0, slow: 1.0 };
        for points in [&[][..], &[point]] {
            assert!(chart(points).into_string().contains("needs two successful pings"));
        }
    }
}
