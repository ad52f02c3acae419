//! The processes while they run, and how they end.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anstyle::Style;
use anyhow::Context as _;
use platform::local::{Launch, Line, Policy, Ports, Supervisor, Watch};
use tokio::time;

use super::{Dev, rolling::Rolling};
use crate::{
    control::Phase,
    display::{Palette, clean, tell},
};

/// More than the processes give themselves (`DRAIN_SECONDS`).
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Runs everything until someone wants the end, then drains it.
pub(super) async fn run(
    dev: &Dev,
    mut launches: Vec<Launch>,
    mut rolling: Option<Rolling>,
    ports: Arc<Ports>,
) -> anyhow::Result<()> {
    let (mut supervisor, watch) = Supervisor::new(http_client()?, Policy::default(), ports, DRAIN_LIMIT)
        .context("cannot start a thread")?;
    let mut view = View::new(dev, watch, &launches);
    for launch in &launches {
        supervisor.keep(launch.clone());
    }
    dev.enter(Phase::Running);
    tokio::select! {
        () = view.show_for_ever() => {}
        () = follow(dev, rolling.as_mut(), &mut supervisor, &mut launches) => {}
        () = dev.stop.asked() => {}
    }
    dev.enter(Phase::Stopping);
    let kill = supervisor.kill_token();
    let drain = supervisor.drain();
    tokio::pin!(drain);
    let mut hurried = false;
    loop {
        tokio::select! {
            () = &mut drain => break,
            () = view.show_for_ever() => time::sleep(Duration::from_millis(50)).await,
            () = dev.stop.hurried(), if !hurried => {
                hurried = true;
                kill.cancel();
            }
        }
    }
    view.show_rest();
    dev.screen.status(&[]);
    Ok(())
}

async fn follow(
    dev: &Dev,
    rolling: Option<&mut Rolling>,
    supervisor: &mut Supervisor,
    launches: &mut [Launch],
) {
    match rolling {
        Some(rolling) => rolling.follow(dev, supervisor, launches).await,
        None => std::future::pending().await,
    }
}

/// Asks only loopback: no proxy, no redirect, no TLS.
fn http_client() -> anyhow::Result<reqwest::Client> {
    // Only fails when one is installed already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.build().context("cannot make an HTTP client")
}

/// What comes from the processes, put on the screen and into the status.
struct View<'a> {
    dev: &'a Dev,
    watch: Watch,
    prefixes: HashMap<String, String>,
    all_answered: bool,
}

impl<'a> View<'a> {
    fn new(dev: &'a Dev, watch: Watch, launches: &[Launch]) -> Self {
        let names: Vec<&str> = launches.iter().map(|launch| launch.procfile.name.as_str()).collect();
        let width = names.iter().map(|name| name.len()).max().unwrap_or_default();
        let paint = |(index, name): (usize, &&str)| {
            let prefix = format!("{name:width$} │");
            let style: Style = Palette::of_process(index);
            ((*name).to_owned(), dev.screen.palette.paint(style, &prefix))
        };
        let prefixes = names.iter().enumerate().map(paint).collect();
        Self { dev, watch, prefixes, all_answered: false }
    }

    /// Returns when nobody can see it any more.
    async fn show_for_ever(&mut self) {
        let mut tick = time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(time::MissedTickBehavior::Skip);
        while !self.dev.screen.is_gone() {
            tokio::select! {
                Some(line) = self.watch.lines.recv() => self.line(&line),
                Some(event) = self.watch.events.recv() => {
                    if let Some(text) = tell::event(self.dev.screen.palette, &event) {
                        self.dev.screen.line(&text);
                    }
                }
                Ok(()) = self.watch.statuses.changed() => self.note_statuses(),
                _ = tick.tick() => {}
            }
            self.dev.screen.status(&tell::status_line(&self.dev.status.borrow()));
        }
    }

    /// What is still on its way after the end.
    fn show_rest(&mut self) {
        while let Ok(line) = self.watch.lines.try_recv() {
            self.line(&line);
        }
        while let Ok(event) = self.watch.events.try_recv() {
            if let Some(text) = tell::event(self.dev.screen.palette, &event) {
                self.dev.screen.line(&text);
            }
        }
    }

    fn line(&self, line: &Line) {
        let palette = self.dev.screen.palette;
        let prefix = self.prefixes.get(&line.process).map_or("", String::as_str);
        self.dev.screen.line(&format!("{prefix} {}", clean(&line.text, palette.is_enabled())));
    }

    fn note_statuses(&mut self) {
        let processes = self.watch.statuses.borrow_and_update().clone();
        self.dev.status.send_modify(|status| status.processes = processes);
        if !self.all_answered && self.dev.status.borrow().all_answer() {
            self.all_answered = true;
            // What led to it comes first.
            self.show_rest();
            self.dev.screen.line(&self.ready());
        }
    }

    fn ready(&self) -> String {
        let status = self.dev.status.borrow();
        let palette = self.dev.screen.palette;
        let token = status.admin_token_file.as_deref().map(|file| self.dev.workspace.relative(file));
        tell::ready(palette, &status, token.as_deref(), self.dev.begun.elapsed())
    }
}
