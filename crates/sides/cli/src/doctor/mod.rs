//! `sides doctor`: checks everything that an issue report would be asked for, and says how to fix what is wrong.

mod database;
mod finding;
mod machine;
mod workspace;

use clap::Args;

use ::workspace::{Outcome, Workspace, named_database};
use finding::{Finding, Verdict};
use terminal::{Palette, tell};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// As JSON: an array of findings with `topic`, `verdict` (`good`, `notice`, `fault`), `text` and `advice`.
    #[arg(long)]
    json: bool,
}

/// Looks at everything and changes nothing. A fault makes the exit code 1.
pub(crate) async fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<Outcome> {
    let mut findings = machine::look(workspace.root());
    findings.extend(workspace::look(workspace));
    findings.extend(database::look().await);
    // An address that is not understood is a finding already.
    let url = named_database().ok().flatten();
    let obstacles = deploy::preflight::look(workspace, url.as_ref()).await;
    findings.extend(obstacles.into_iter().map(Finding::obstacle));
    if options.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        let palette = Palette::for_stdout();
        for finding in &findings {
            println!("{}", line(palette, finding));
        }
    }
    let has_fault = findings.iter().any(|finding| finding.verdict == Verdict::Fault);
    Ok(if has_fault { Outcome::Failed } else { Outcome::Done })
}

fn line(palette: Palette, finding: &Finding) -> String {
    let text = format!("{}: {}", finding.topic, finding.text);
    let text = match finding.verdict {
        Verdict::Good => tell::good(palette, &text),
        Verdict::Notice => tell::notice(palette, &text),
        Verdict::Fault => tell::fault(palette, &text),
    };
    match &finding.advice {
        Some(advice) => format!("{text}\n    {advice}"),
        None => text,
    }
}
