//! A receipt as people read it.

use deploy::release::{Jobs, Receipt, Rehearsal, Requests, Ticks, Verdict};
use terminal::{Palette, table};

pub(crate) fn of(receipt: &Receipt) -> String {
    let title = match receipt.outcome {
        Verdict::Released => "Released",
        Verdict::Undone => "Undone",
        Verdict::Partial => "Incomplete: neither the release nor its undoing was finished",
    };
    let mut text = format!("{title}, in {:.1} s.", receipt.seconds);
    if let Some(reason) = &receipt.reason {
        text += &format!("\nBecause {reason}.");
    }
    for note in &receipt.notes {
        text += &format!("\nNote: {note}.");
    }
    for line in receipt.rehearsal.iter().flat_map(Rehearsal::lines) {
        text += &format!("\n{line}");
    }
    if !receipt.steps.is_empty() {
        let rows: Vec<_> =
            receipt.steps.iter().map(|step| vec![time(step.seconds), step.what.clone()]).collect();
        text += &format!("\n\n{}", table(Palette::PLAIN, &["TIME", "STEP"], &rows).trim_end());
    }
    let head = ["COUNTED", "", "", "", "", "", "", "", ""];
    text += &format!("\n\n{}", table(Palette::PLAIN, &head, &counted(receipt)).trim_end());
    let failures = receipt.requests.iter().flat_map(|requests| &requests.failures);
    for (reason, count) in failures {
        text += &format!("\n  {count} × {reason}");
    }
    text
}

fn counted(receipt: &Receipt) -> Vec<Vec<String>> {
    let missing = |what: &str, why: &str| vec![what.to_owned(), format!("not measured: {why}")];
    let away = "the database did not answer";
    let mut rows = Vec::new();
    match &receipt.requests {
        Some(seen) => rows.push(requests("requests", seen)),
        None => rows.push(missing("requests", "web was not running yet")),
    }
    rows.extend(receipt.requests_before.iter().map(|seen| requests("  before", seen)));
    rows.push(receipt.jobs.as_ref().map_or_else(|| missing("jobs", away), jobs));
    rows.push(receipt.ticks.as_ref().map_or_else(|| missing("ticks", away), ticks));
    rows.push(match &receipt.longest_block {
        Some(block) => vec!["block".to_owned(), format!("{:.1} s, {block}", block.seconds)],
        None => vec!["block".to_owned(), "none seen".to_owned()],
    });
    rows
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
    row.extend((ticks.skipped > 0).then(|| format!("{} skipped for a later one", ticks.skipped)));
    row.extend(ticks.latest_seconds.map(|latest| format!("at most {latest:.1} s late")));
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
        let text = of(&receipt);
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
