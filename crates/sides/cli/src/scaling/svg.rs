//! Instances and delay over time, as SVG.

use ::autoscale::Run;

use super::chart::columns;

const WIDTH: usize = 900;
const HEIGHT: u64 = 200;

/// One curve above the other, each with its highest value.
pub(super) fn draw(run: &Run) -> String {
    let columns = columns(&run.points, WIDTH);
    let instances: Vec<u64> = columns.iter().map(|column| column.0).collect();
    let delays: Vec<u64> = columns.iter().map(|column| column.1).collect();
    let (minutes, total) = (run.points.len() / 60, 2 * HEIGHT + 100);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {total}\" font-family=\"sans-serif\" \
         font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{}{}\
         <text x=\"20\" y=\"{}\">0</text><text x=\"{WIDTH}\" y=\"{}\">{minutes} min</text>\n</svg>\n",
        WIDTH + 60,
        curve(&instances, "instances", 30, "#1f6feb"),
        curve(&delays, "delay of the oldest job, in seconds", 60 + HEIGHT, "#cf222e"),
        total - 12,
        total - 12
    )
}

fn curve(values: &[u64], name: &str, top: u64, color: &str) -> String {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let bottom = top + HEIGHT;
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(at, value)| {
            format!("{},{}", at * WIDTH / values.len().max(1) + 20, bottom - value * HEIGHT / most)
        })
        .collect();
    format!(
        "<text x=\"20\" y=\"{}\">{name}, up to {most}</text>\n<path d=\"M20 {bottom}H{WIDTH}\" stroke=\"#999\"/>\n\
         <polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>\n",
        top - 8,
        points.join(" ")
    )
}
