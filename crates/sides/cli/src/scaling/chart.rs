//! Instances and delay over time, as text.

use ::autoscale::{Point, Run};

const WIDTH: usize = 72;
const HEIGHT: u64 = 8;

/// Two charts with one time axis.
pub(super) fn draw(run: &Run) -> String {
    let columns = columns(&run.points, WIDTH);
    let instances: Vec<u64> = columns.iter().map(|column| column.0).collect();
    let delays: Vec<u64> = columns.iter().map(|column| column.1).collect();
    let minutes = run.points.len() / 60;
    let (width, end) = (columns.len().saturating_sub(1), format!("{minutes} min"));
    format!(
        "instances\n{}delay of the oldest job, in seconds\n{}{:>6} 0{end:>width$}\n",
        bars(&instances),
        bars(&delays),
        ""
    )
}

/// The most of each span of time: instances and delay.
pub(super) fn columns(points: &[Point], width: usize) -> Vec<(u64, u64)> {
    let span = points.len().div_ceil(width).max(1);
    let most = |span: &[Point]| {
        let instances = span.iter().map(|point| u64::from(point.instances)).max().unwrap_or(0);
        (instances, span.iter().map(|point| point.delay).max().unwrap_or(0))
    };
    points.chunks(span).map(most).collect()
}

fn bars(values: &[u64]) -> String {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let rows = HEIGHT.min(most);
    let mut text = String::new();
    for row in (1..=rows).rev() {
        let level = (row * most).div_ceil(rows);
        let bar = |value: &u64| if *value >= level { '#' } else { ' ' };
        let line: String = values.iter().map(bar).collect();
        text += &format!("{level:>6} {}\n", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_shows_what_was_most() {
        let point = |second, instances, delay| Point { second, instances, waiting: 0, delay };
        let points: Vec<_> = (0..120).map(|at| point(at, if at == 60 { 4 } else { 1 }, at / 10)).collect();
        let run = Run { points, waits: vec![], changes: 0, instance_hours: 0.0 };
        let text = draw(&run);
        assert!(text.starts_with("instances\n     4                               #\n"), "{text}");
        assert!(text.contains("    11 ") && text.trim_end().ends_with("2 min"), "{text}");
    }
}
