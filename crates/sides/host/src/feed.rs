//! Events of the running processes, passed on to the screen and the status.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anstyle::Style;
use chrono::Utc;
use platform::local::{Event, Happening, Launch, Line, Watch, control::Killed};
use tokio::{sync::watch, time};

use terminal::{Palette, Screen, clean};
use workspace::control::DevStatus;

use crate::describe;

/// How many killed instances are remembered.
const KILLED: usize = 20;

/// Shows what processes print and what happens to them.
pub struct Feed<'a> {
    screen: Arc<Screen>,
    status: &'a watch::Sender<DevStatus>,
    watch: Watch,
    prefixes: HashMap<String, String>,
    shows_lines: bool,
    /// Said once, when everything answers for the first time.
    ready: Option<Box<dyn Fn() -> String + Send + 'a>>,
}

impl<'a> Feed<'a> {
    /// `ready` is said once, when everything answers for the first time.
    pub fn new(
        screen: &Arc<Screen>,
        status: &'a watch::Sender<DevStatus>,
        watch: Watch,
        launches: &[Launch],
        ready: impl Fn() -> String + Send + 'a,
    ) -> Self {
        let names: Vec<&str> = launches.iter().map(|launch| launch.procfile.name.as_str()).collect();
        let width = names.iter().map(|name| name.len()).max().unwrap_or_default();
        let paint = |(index, name): (usize, &&str)| {
            let prefix = format!("{name:width$} │");
            let style: Style = Palette::of_process(index);
            ((*name).to_owned(), screen.palette.paint(style, &prefix))
        };
        let prefixes = names.iter().enumerate().map(paint).collect();
        Self {
            screen: Arc::clone(screen),
            status,
            watch,
            prefixes,
            shows_lines: true,
            ready: Some(Box::new(ready)),
        }
    }

    /// Whether what processes print is shown; otherwise only what happens to them.
    pub fn show_lines(&mut self, shows: bool) {
        self.shows_lines = shows;
    }

    /// Returns when nobody can see it any more.
    pub async fn show_for_ever(&mut self) {
        let mut tick = time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(time::MissedTickBehavior::Skip);
        while !self.screen.is_gone() {
            tokio::select! {
                Some(line) = self.watch.lines.recv() => self.line(&line),
                Some(event) = self.watch.events.recv() => self.event(&event),
                Ok(()) = self.watch.statuses.changed() => self.note_statuses(),
                _ = tick.tick() => self.say_when_ready(),
            }
            self.screen.status(&describe::status_line(&self.status.borrow()));
        }
    }

    /// What is still on its way after the end.
    pub fn show_rest(&mut self) {
        while let Ok(line) = self.watch.lines.try_recv() {
            self.line(&line);
        }
        while let Ok(event) = self.watch.events.try_recv() {
            self.event(&event);
        }
    }

    fn event(&self, event: &Event) {
        if let Happening::Killed { instance, after } = &event.happening {
            let killed = Killed {
                process: event.process.clone(),
                instance: instance.clone(),
                at: Utc::now(),
                after_seconds: after.as_secs(),
            };
            self.status.send_modify(|status| {
                let old = (status.killed.len() + 1).saturating_sub(KILLED);
                status.killed.drain(..old);
                status.killed.push(killed);
            });
        }
        if let Some(text) = describe::event(self.screen.palette, event) {
            self.screen.line(&text);
        }
    }

    fn line(&self, line: &Line) {
        if !self.shows_lines {
            return;
        }
        // A process that is younger than the host has no colour.
        let prefix = self.prefixes.get(&line.process).cloned();
        let prefix = prefix.unwrap_or_else(|| format!("{} │", line.process));
        self.screen.line(&format!("{prefix} {}", clean(&line.text, self.screen.palette.is_enabled())));
    }

    fn note_statuses(&mut self) {
        // What led to them comes first: whoever sees that an instance has gone sees that it was killed.
        while let Ok(event) = self.watch.events.try_recv() {
            self.event(&event);
        }
        let processes = self.watch.statuses.borrow_and_update().clone();
        self.status.send_modify(|status| status.processes = processes);
        self.say_when_ready();
    }

    fn say_when_ready(&mut self) {
        if self.status.borrow().all_answer()
            && let Some(ready) = self.ready.take()
        {
            // What led to it comes first.
            self.show_rest();
            self.screen.line(&ready());
        }
    }
}
