//! The figures of all rounds.

/// By case, then by peer, in the order in which they came first.
#[derive(Default)]
pub struct Table {
    cases: Vec<Case>,
}

struct Case {
    name: String,
    /// Less is better.
    is_time: bool,
    rows: Vec<(String, Vec<f64>)>,
}

impl Table {
    pub fn add(&mut self, case: &str, peer: &str, rate: f64) {
        self.note(case, peer, rate, false);
    }

    pub fn add_time(&mut self, case: &str, peer: &str, millis: f64) {
        self.note(case, peer, millis, true);
    }

    fn note(&mut self, name: &str, peer: &str, value: f64, is_time: bool) {
        println!("  {name:<40} {peer:<42} {}", show(value, is_time));
        let index = self.cases.iter().position(|case| case.name == name).unwrap_or_else(|| {
            self.cases.push(Case { name: name.to_owned(), is_time, rows: Vec::new() });
            self.cases.len() - 1
        });
        let rows = &mut self.cases[index].rows;
        match rows.iter_mut().find(|(known, _)| known == peer) {
            Some((_, values)) => values.push(value),
            None => rows.push((peer.to_owned(), vec![value])),
        }
    }

    /// Medians, and how many times as good the best of ours is.
    pub fn print(&self) {
        println!("\nmedians, and how many times as good ours is");
        for case in &self.cases {
            println!("{}", case.name);
            let medians: Vec<(&str, f64)> =
                case.rows.iter().map(|(peer, values)| (peer.as_str(), median(values.clone()))).collect();
            let ours = medians.iter().filter(|(peer, _)| peer.starts_with("ours")).map(|(_, value)| *value);
            let best = if case.is_time { ours.reduce(f64::min) } else { ours.reduce(f64::max) };
            let mut sorted = medians.clone();
            sorted.sort_by(|a, b| a.0.cmp(b.0));
            for (peer, value) in sorted {
                let times = best.map(|ours| if case.is_time { value / ours } else { ours / value });
                // A job that started before its commit was heard of took no time.
                let times = times.filter(|times| times.is_finite()).map(|times| format!("{times:>7.2} x"));
                println!("  {peer:<42} {} {}", show(value, case.is_time), times.unwrap_or_default());
            }
        }
    }
}

fn show(value: f64, is_time: bool) -> String {
    if is_time { format!("{value:>10.2} ms") } else { format!("{value:>10.0} /s") }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}
