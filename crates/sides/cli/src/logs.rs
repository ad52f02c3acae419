//! `sides logs`: the output of the processes, wherever they run.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    time::Duration,
};

use anyhow::Context as _;
use chrono::DateTime;
use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use platform::{
    local::logs::{self, LogLine},
    procfile,
};
use tokio::time;

use crate::names::{self, complete};
use deploy::places::Places;
use terminal::clean;
use workspace::{Outcome, Workspace};

/// How long a fresh line may wait to be shown.
const BETWEEN: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub(crate) struct LogsOptions {
    /// Only this process, as in `Procfile.NAME`.
    #[arg(add = ArgValueCompleter::new(complete::processes))]
    pub(crate) process: Option<String>,
    /// How many lines to show.
    #[arg(short = 'n', long, default_value_t = 100)]
    pub(crate) lines: usize,
    /// Follow the output until Ctrl-C.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Each line as JSON: at, instance, text.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(workspace: &Workspace, options: &LogsOptions) -> anyhow::Result<Outcome> {
    let folder = workspace.logs_folder();
    let named: Vec<String> = match &options.process {
        Some(name) => vec![name.clone()],
        None => procfile::discover(workspace.root())?.into_iter().map(|procfile| procfile.name).collect(),
    };
    // Before the last lines are read: what comes meanwhile is shown twice rather than never.
    let mut tails: Vec<Tail> = named.iter().map(|name| Tail::at_end(logs::file_of(&folder, name))).collect();
    let places = Places::read(workspace).await?;
    if let Some(name) = &options.process {
        let mut known = names::processes(workspace);
        known.extend(
            names::remote(&places).into_iter().filter(|name| !known.contains(name)).collect::<Vec<_>>(),
        );
        // What ran here once may have left its log behind.
        let has_log = logs::file_of(&folder, name).exists();
        anyhow::ensure!(
            has_log || known.contains(name),
            "there is no process {name:?}{}",
            names::hint(name, &known)
        );
    }
    let mut lines = Vec::new();
    for name in &named {
        let last = logs::last(&folder, name, options.lines);
        lines.extend(last.with_context(|| format!("cannot read the log of {name}"))?);
        if !places.is_local(name) {
            let place = places.place_of(name);
            if options.follow {
                let where_to = "follow its output with Heroku's own `heroku logs --tail`";
                eprintln!("{name} runs at {}: {where_to}", place.name());
            }
            lines.extend(place.logs(name, options.lines).await?.iter().map(|line| remote(name, line)));
        }
    }
    if lines.is_empty() && !options.follow {
        eprintln!(
            "no output from {}: only the output of processes run by a host or at a place in deploy/targets.toml \
             is kept",
            named.join(", ")
        );
        return Ok(Outcome::NotRunning);
    }
    lines.sort_by_key(|line| line.at);
    let from = lines.len().saturating_sub(options.lines);
    let mut shown = lines[from..].iter().try_for_each(|line| show(line, options.json));
    while options.follow && shown.is_ok() {
        time::sleep(BETWEEN).await;
        shown = tails.iter_mut().flat_map(Tail::fresh).try_for_each(|line| show(&line, options.json));
    }
    match shown {
        // `sides logs | head` has read enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Outcome::Done),
    }
}

/// `2026-11-25T12:00:00.000000+00:00 app[worker.1]: text`; what is written otherwise is all text.
fn remote(process: &str, line: &str) -> LogLine {
    let parsed = || {
        let (at, rest) = line.split_once(' ')?;
        let at = DateTime::parse_from_rfc3339(at).ok()?.to_utc();
        let (source, text) = rest.split_once("]: ")?;
        let instance = source.split_once('[')?.1;
        Some(LogLine { at: Some(at), instance: instance.to_owned(), text: text.to_owned() })
    };
    parsed().unwrap_or_else(|| LogLine { at: None, instance: process.to_owned(), text: line.to_owned() })
}

fn show(line: &LogLine, json: bool) -> io::Result<()> {
    let text = match json {
        true => serde_json::to_string(line)?,
        false => format!("{:10} │ {}", line.instance, clean(&line.text, false)),
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// The end of a log, also when the next file begins.
struct Tail {
    path: PathBuf,
    reader: Option<BufReader<File>>,
    half: String,
}

impl Tail {
    fn at_end(path: PathBuf) -> Self {
        use std::io::{Seek as _, SeekFrom};
        let mut file = File::open(&path).ok();
        if let Some(file) = &mut file {
            // A file that cannot be wound is read from its beginning.
            drop(file.seek(SeekFrom::End(0)));
        }
        Self { path, reader: file.map(BufReader::new), half: String::new() }
    }

    /// Whole lines that were not there before.
    fn fresh(&mut self) -> Vec<LogLine> {
        let mut lines = Vec::new();
        self.read_into(&mut lines);
        if self.was_replaced() {
            // What was written between the last look and the change of files.
            self.read_into(&mut lines);
            self.reader = File::open(&self.path).ok().map(BufReader::new);
            self.read_into(&mut lines);
        }
        lines
    }

    fn read_into(&mut self, lines: &mut Vec<LogLine>) {
        let Some(reader) = &mut self.reader else { return };
        while matches!(reader.read_line(&mut self.half), Ok(read) if read > 0) {
            if self.half.ends_with('\n') {
                lines.push(logs::parse(self.half.trim_end_matches('\n')));
                self.half.clear();
            }
        }
    }

    fn was_replaced(&self) -> bool {
        let Ok(now) = self.path.metadata() else { return false };
        let open = self.reader.as_ref().and_then(|reader| reader.get_ref().metadata().ok());
        open.is_none_or(|open| open.ino() != now.ino())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_line_says_when_and_which_instance() {
        let line = remote("worker", "2026-11-25T12:00:00.000000+00:00 app[worker.2]: [x]: hello");
        assert_eq!(
            (line.instance.as_str(), line.text.as_str(), line.at.is_some()),
            ("worker.2", "[x]: hello", true)
        );
        let other = remote("worker", "no time app[worker.2]: hello");
        assert_eq!((other.instance.as_str(), other.at), ("worker", None));
    }
}
