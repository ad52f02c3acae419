//! How long `cargo run -- dev` takes from a warm build until everything answers, and with `--builds` how long
//! the builds take.
//!
//! `cargo bench -p sides-cli --bench dev` runs it in this workspace, on its private Postgres. It prints, and asserts
//! nothing about time.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Starts `cargo run -- dev` again and again, and prints what each step takes.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many times.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Time the builds too: from nothing, with nothing to do, and after a change near the bottom and at the top.
    #[arg(long)]
    builds: bool,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let status = cargo(&["run", "--quiet", "--", "status"]).output()?;
    ensure!(status.status.code() == Some(3), "a dev runs in this workspace: end it with `cargo run -- stop`");
    println!("dev, {} cores", std::thread::available_parallelism()?);
    // Whatever is missing is built and made now.
    let first = Run::take()?;
    println!("{:<28}{:>8.2} s", "the first, builds included", first.green.as_secs_f64());
    let runs: Vec<Run> = (0..arguments.runs).map(|_| Run::take()).collect::<Result<_, _>>()?;
    print_times(&format!("until green, {} warm runs", runs.len()), runs.iter().map(|run| run.green));
    for (name, mark) in MARKS {
        print_times(name, runs.iter().filter_map(|run| run.mark(mark)));
    }
    print_times("from Ctrl-C to the end", runs.iter().map(|run| run.end));
    if arguments.builds { builds() } else { Ok(()) }
}

/// What `dev` prints when a step is done.
const MARKS: [(&str, &str); 4] = [
    ("  nothing to build, twice", "Finished"),
    ("  Postgres", "Postgres answers"),
    ("  schema", "the schema is up to date"),
    ("  processes", "everything answers"),
];

/// One `dev`, from the command line to its end.
struct Run {
    lines: Vec<(Duration, String)>,
    green: Duration,
    end: Duration,
}

impl Run {
    fn take() -> anyhow::Result<Self> {
        let begun = Instant::now();
        let mut command = cargo(&["run", "--quiet", "--", "dev", "--port", "0"]);
        let mut dev = Dev(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?);
        let lines = listen(&mut dev.0, begun)?;
        let mut seen = Vec::new();
        while let Ok((at, line)) = lines.recv() {
            let green = line.contains("everything answers");
            seen.push((at, line));
            if green {
                return Ok(Self { lines: seen, green: at, end: dev.end()? });
            }
        }
        let said: Vec<String> = seen.into_iter().map(|(_, line)| line).collect();
        bail!("dev ended before everything answered:\n{}", said.join("\n"))
    }

    fn mark(&self, text: &str) -> Option<Duration> {
        self.lines.iter().find(|(_, line)| line.contains(text)).map(|(at, _)| *at)
    }
}

/// Both outputs, line by line, each with its moment.
fn listen(
    child: &mut Child,
    begun: Instant,
) -> anyhow::Result<std::sync::mpsc::Receiver<(Duration, String)>> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let outputs: [Box<dyn std::io::Read + Send>; 2] = [
        Box::new(child.stdout.take().context("its output is a pipe")?),
        Box::new(child.stderr.take().context("its errors are a pipe")?),
    ];
    for output in outputs {
        let sender = sender.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // When nobody listens any more, the pipe is emptied all the same.
                drop(sender.send((begun.elapsed(), line)));
            }
        });
    }
    Ok(receiver)
}

/// Ends with this value, whatever happens.
struct Dev(Child);

impl Dev {
    /// As Ctrl-C does; how long it took.
    fn end(&mut self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        kill(Pid::from_raw(i32::try_from(self.0.id())?), Signal::SIGINT)?;
        let status = self.0.wait()?;
        ensure!(status.success(), "dev did not end well: {status}");
        Ok(begun.elapsed())
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn builds() -> anyhow::Result<()> {
    println!();
    let target = tempfile::tempdir()?;
    for profile in ["dev", "release"] {
        let build = |what: &str| -> anyhow::Result<()> {
            let mut command =
                cargo(&["build", "--quiet", "--locked", "--workspace", "--bins", "--profile", profile]);
            let begun = Instant::now();
            let status = command.env("CARGO_TARGET_DIR", target.path()).status()?;
            ensure!(status.success(), "the workspace does not build");
            println!("{:<44}{:>8.1} s", format!("build, {profile}, {what}"), begun.elapsed().as_secs_f64());
            Ok(())
        };
        build("from nothing")?;
        build("nothing to do")?;
        for (what, file) in
            [("models changed", "crates/models/src/lib.rs"), ("worker changed", "crates/worker/src/lib.rs")]
        {
            File::options().append(true).open(root().join(file))?.set_modified(SystemTime::now())?;
            build(what)?;
        }
    }
    Ok(())
}

fn print_times(name: &str, times: impl Iterator<Item = Duration>) {
    let mut times: Vec<f64> = times.map(|time| time.as_secs_f64()).collect();
    times.sort_by(f64::total_cmp);
    if let (Some(median), Some(worst)) = (times.get(times.len() / 2), times.last()) {
        println!("{name:<28}{median:>8.2} s median, {worst:.2} s worst");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// Cargo in this workspace, as somebody types it: on the private Postgres.
fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(root()).stdin(Stdio::null()).env_remove("DATABASE_URL");
    // They describe this package; build scripts watch them and would run again.
    let describes_this =
        |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|one| name.starts_with(one));
    for (name, _) in std::env::vars().filter(|(name, _)| describes_this(name)) {
        command.env_remove(name);
    }
    command
}
