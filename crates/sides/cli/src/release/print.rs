//! A receipt as people read it.

use std::fmt;

use super::{
    count::{Jobs, Ticks},
    receipt::{Receipt, Requests, Verdict},
    rehearsal::Rehearsal,
};
use crate::display::{Palette, table};

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = match self.outcome {
            Verdict::Released => "Released",
            Verdict::Undone => "Undone",
            Verdict::Partial => "Half done: neither the release nor its undoing came to its end",
        };
        write!(f, "{title}, in {:.1} s.", self.seconds)?;
        if let Some(reason) = &self.reason {
            write!(f, "\nBecause {reason}.")?;
        }
        for note in &self.notes {
            write!(f, "\nNote: {note}.")?;
        }
        for line in self.rehearsal.iter().flat_map(Rehearsal::lines) {
            write!(f, "\n{line}")?;
        }
        if !self.steps.is_empty() {
            let rows: Vec<_> =
                self.steps.iter().map(|step| vec![time(step.seconds), step.what.clone()]).collect();
            write!(f, "\n\n{}", table(Palette::PLAIN, &["TIME", "STEP"], &rows).trim_end())?;
        }
        write!(
            f,
            "\n\n{}",
            table(Palette::PLAIN, &["COUNTED", "", "", "", "", "", "", "", ""], &self.counted()).trim_end()
        )?;
        let failures = self.requests.iter().flat_map(|requests| &requests.failures);
        for (reason, count) in failures {
            write!(f, "\n  {count} × {reason}")?;
        }
        Ok(())
    }
}

impl Receipt {
    fn counted(&self) -> Vec<Vec<String>> {
        let missing = |what: &str, why: &str| vec![what.to_owned(), format!("not measured: {why}")];
        let away = "the database did not answer";
        let mut rows = Vec::new();
        match &self.requests {
            Some(seen) => rows.push(requests("requests", seen)),
            None => rows.push(missing("requests", "web was not running yet")),
        }
        rows.extend(self.requests_before.iter().map(|seen| requests("  before", seen)));
        rows.push(self.jobs.as_ref().map_or_else(|| missing("jobs", away), jobs));
        rows.push(self.ticks.as_ref().map_or_else(|| missing("ticks", away), ticks));
        rows.push(match &self.longest_block {
            Some(block) => vec!["block".to_owned(), format!("{:.1} s, {block}", block.seconds)],
            None => vec!["block".to_owned(), "none seen".to_owned()],
        });
        rows
    }
}

fn time(seconds: f64) -> String {
    format!("{seconds:5.1} s")
}

fn requests(name: &str, seen: &Requests) -> Vec<String> {
    let ms = |name: &str, value: Option<f64>| value.map(|value| format!("{name} {value:.1} ms"));
    let mut row = vec![name.to_owned(), format!("{} good", seen.good), format!("{} failed", seen.failed)];
    row.extend(ms("p50", seen.p50_ms));
    row.extend(ms("p99", seen.p99_ms));
    row.extend(ms("longest", Some(seen.slowest_ms)));
    row
}

fn jobs(jobs: &Jobs) -> Vec<String> {
    vec![
        "jobs".to_owned(),
        format!("{} waited", jobs.waiting_before),
        format!("{} enqueued", jobs.enqueued),
        format!("{} run", jobs.run),
        format!("{} retried", jobs.retried),
        format!("{} given back", jobs.given_back + jobs.rescued),
        format!("{} failed", jobs.failed),
        format!("{} lost", jobs.lost),
        format!("{} wait", jobs.waiting_after),
    ]
}

fn ticks(ticks: &Ticks) -> Vec<String> {
    let mut row = vec![
        "ticks".to_owned(),
        format!("{} due", ticks.due),
        format!("{} fired", ticks.fired),
        format!("{} missed", ticks.missed),
        format!("{} doubled", ticks.doubled),
    ];
    row.extend(ticks.latest_seconds.map(|latest| format!("latest {latest:.1} s late")));
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As an older build stored it.
    const OLD: &str = r#"{"outcome": "undone", "reason": "web was not ready", "steps": [{"what": "replaced web", "seconds": 1.25}],
        "seconds": 2.0, "requests": {"good": 40, "failed": 1, "failures": {"refused": 1}, "slowest_ms": 84},
        "jobs": {"waiting_before": 3, "lost": 0, "ended": 5, "failed": 1, "waiting_after": 2}, "ticks": null}"#;

    #[test]
    fn a_receipt_of_an_older_build_is_read_and_shown() {
        let receipt: Receipt = serde_json::from_str(OLD).unwrap();
        let text = receipt.to_string();
        let expected = [
            "Undone, in 2.0 s.",
            "Because web was not ready.",
            "TIME     STEP",
            "  1.2 s  replaced web",
            "requests  40 good",
            "1 failed    longest 84.0 ms",
            "jobs      3 waited",
            "5 run",
            "ticks     not measured: the database did not answer",
            "block     none seen",
            "  1 × refused",
        ];
        for part in expected {
            assert!(text.contains(part), "no {part:?} in\n{text}");
        }
    }
}
