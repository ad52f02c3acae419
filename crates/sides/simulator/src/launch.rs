//! The dyno manager: starts, watches and ends dynos, which are real processes here.

use std::{
    io::{BufRead as _, BufReader, Read},
    net::{Ipv4Addr, TcpStream},
    os::unix::process::CommandExt as _,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use chrono::Utc;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use uuid::Uuid;

use crate::{
    ports,
    router::InFlight,
    slugs,
    state::{App, Dyno, Leaving, State},
};

/// Has as many dynos as the formation says.
pub(crate) fn reconcile(state: &mut State, name: &str) {
    let formation = state.apps[name].formation.clone();
    for (kind, quantity) in formation {
        let wanted: Vec<String> = (1..=quantity).map(|number| format!("{kind}.{number}")).collect();
        let Some(app) = state.apps.get_mut(name) else { return };
        let surplus = |dyno: &mut Dyno| dyno.kind == kind && !wanted.contains(&dyno.name);
        let gone: Vec<Dyno> = app.dynos.extract_if(.., surplus).collect();
        gone.into_iter().for_each(|dyno| leave(app, dyno, Duration::ZERO));
        for dyno in wanted {
            if state.apps[name].dynos.iter().all(|one| one.name != dyno) {
                start(state, name, &kind, &dyno, None);
            }
        }
    }
}

/// Replaces all dynos, or one: a successor begins as the old one gets SIGTERM; with preboot, long before.
pub(crate) fn renew(state: &mut State, name: &str, only: Option<&str>) {
    let window = state.settings.preboot_window;
    let Some(app) = state.apps.get_mut(name) else { return };
    let preboot = app.has_preboot() && only.is_none();
    let replaced = |dyno: &mut Dyno| dyno.kind != "run" && only.is_none_or(|only| dyno.name == only);
    let gone: Vec<Dyno> = app.dynos.extract_if(.., replaced).collect();
    for dyno in gone {
        let after = if preboot && dyno.kind == "web" { window } else { Duration::ZERO };
        leave(app, dyno, after);
    }
    reconcile(state, name);
}

fn leave(app: &mut App, dyno: Dyno, after: Duration) {
    app.leaving.push(Leaving { dyno, out_at: Instant::now() + after, killed_at: None });
}

/// Starts a dyno of the current release.
pub(crate) fn start(state: &mut State, name: &str, kind: &str, dyno: &str, command: Option<String>) {
    let app = &state.apps[name];
    let Some(release) = app.current().cloned() else { return };
    let Some(slug) = release.slug.and_then(|id| app.slugs.get(&id.to_string())) else { return };
    let Some(command) = command.or_else(|| slug.process_types.get(kind).cloned()) else { return };
    let Ok(folder) = slugs::unpacked(state, slug) else { return };
    let port = ports::free();
    let script = format!("for f in .profile.d/*.sh; do [ -r \"$f\" ] && . \"$f\"; done; {command}");
    let mut process = Command::new("sh");
    process.args(["-c", &script]).current_dir(&folder).env("HOME", &folder);
    process.envs(&app.config).env("PORT", port.to_string()).env("DYNO", dyno);
    process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let child = process.spawn().ok();
    let Some(app) = state.apps.get_mut(name) else { return };
    app.say("heroku", dyno, &format!("Starting process with command `{command}`"));
    app.dynos.push(Dyno {
        id: Uuid::new_v4(),
        name: dyno.to_owned(),
        kind: kind.to_owned(),
        command,
        version: release.version,
        release: release.id,
        state: "starting",
        created_at: Utc::now(),
        begun: Instant::now(),
        child,
        output: Output::new(),
        port,
        in_flight: InFlight::default(),
    });
}

/// Looks after every dyno once; called all the time.
pub(crate) fn tick(state: &mut State) {
    let names: Vec<String> = state.apps.keys().cloned().collect();
    for name in names {
        let settings = state.settings.clone();
        let Some(app) = state.apps.get_mut(&name) else { continue };
        app.leaving.retain_mut(|leaving| !has_left(leaving, settings.grace));
        let mut said = Vec::new();
        let mut again = Vec::new();
        for dyno in &mut app.dynos {
            read_output(dyno, &mut said);
            look_after(dyno, settings.boot_limit, &mut said);
            if dyno.state == "crashed" && dyno.begun.elapsed() > settings.crash_pause {
                again.push((dyno.kind.clone(), dyno.name.clone()));
            }
        }
        // A one-off that has ended is gone.
        app.dynos.retain(|dyno| dyno.state != "ended" && !again.iter().any(|(_, name)| *name == dyno.name));
        said.iter().for_each(|(source, dyno, text)| app.say(source, dyno, text));
        for (kind, dyno) in again {
            start(state, &name, &kind, &dyno, None);
        }
    }
}

type Said = Vec<(&'static str, String, String)>;

fn look_after(dyno: &mut Dyno, boot_limit: Duration, said: &mut Said) {
    let ended = dyno.child.as_mut().map(Child::try_wait);
    let mut say = |text: String| said.push(("heroku", dyno.name.clone(), text));
    match ended {
        // What it printed last is read before it is gone.
        Some(Ok(Some(_))) if !dyno.output.is_read => {}
        Some(Ok(Some(status))) => {
            dyno.child = None;
            say(format!("Process exited with status {}", code(status)));
            dyno.begun = Instant::now();
            dyno.state = if dyno.kind == "run" { "ended" } else { "crashed" };
            say(format!("State changed to {}", dyno.state));
        }
        None if dyno.state == "starting" => dyno.state = "crashed",
        Some(Ok(None)) if dyno.state == "starting" => {
            let is_up = dyno.kind != "web" || TcpStream::connect((Ipv4Addr::LOCALHOST, dyno.port)).is_ok();
            if is_up {
                dyno.state = "up";
            } else if dyno.begun.elapsed() > boot_limit {
                say("Error R10 (Boot timeout) -> Web process failed to bind to $PORT".to_owned());
                end(dyno, Signal::SIGKILL);
            }
        }
        _ => {}
    }
}

/// Reads what is there, in a thread that ends with the pipe.
fn read_output(dyno: &mut Dyno, said: &mut Said) {
    let Some(child) = &mut dyno.child else { return };
    let pipes: Vec<Box<dyn Read + Send>> = [
        child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
    ]
    .into_iter()
    .flatten()
    .collect();
    for pipe in pipes {
        dyno.output.listen(pipe);
    }
    // Asked before the last lines are taken, so that none comes behind them.
    dyno.output.is_read = dyno.output.readers.iter().all(JoinHandle::is_finished);
    said.extend(dyno.output.lines().map(|line| ("app", dyno.name.clone(), line)));
}

/// The router has taken it out by then: SIGTERM comes behind the last answer, or when that takes too long.
fn has_left(leaving: &mut Leaving, grace: Duration) -> bool {
    let now = Instant::now();
    let is_quiet = leaving.dyno.in_flight.is_empty() || now >= leaving.out_at + grace;
    match leaving.killed_at {
        None if now >= leaving.out_at && is_quiet => {
            leaving.killed_at = Some(now + grace);
            end(&leaving.dyno, Signal::SIGTERM);
        }
        Some(killed_at) if now >= killed_at => end(&leaving.dyno, Signal::SIGKILL),
        Some(_) | None => {}
    }
    let Some(child) = &mut leaving.dyno.child else { return true };
    // The shell may go before what it started.
    !matches!(child.try_wait(), Ok(None)) && is_empty(child.id())
}

fn is_empty(group: u32) -> bool {
    i32::try_from(group).is_ok_and(|group| killpg(Pid::from_raw(group), None).is_err())
}

/// To every process of the dyno, as Heroku does it.
pub(crate) fn end(dyno: &Dyno, signal: Signal) {
    let Some(child) = &dyno.child else { return };
    let Ok(pid) = i32::try_from(child.id()) else { return };
    // It may have ended by itself.
    killpg(Pid::from_raw(pid), signal).ok();
}

fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

/// Lines that come from a dyno's pipes.
pub(crate) struct Output {
    sender: mpsc::Sender<String>,
    receiver: mpsc::Receiver<String>,
    readers: Vec<JoinHandle<()>>,
    /// Whether the pipes have ended and every line was taken.
    is_read: bool,
}

impl Output {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { sender, receiver, readers: Vec::new(), is_read: false }
    }

    fn listen(&mut self, pipe: impl Read + Send + 'static) {
        let sender = self.sender.clone();
        let reader = thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        self.readers.push(reader);
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        self.receiver.try_iter()
    }
}
