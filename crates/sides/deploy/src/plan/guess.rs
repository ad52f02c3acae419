//! The verdict on one process: what is running, what is here, and whether they are the same.

use platform::procfile::Procfile;

use super::{baseline::Baselines, runs::Running, why::Walk};
use workspace::{
    inputs::{Difference, Graph, Inputs},
    releases::Digest,
};

/// What happens to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Built from the same inputs, or of the same bytes.
    Unchanged,
    /// Some input is another, or not known; only the bytes can tell.
    MayHaveChanged,
    /// The bytes are others.
    Changed,
    /// Nothing of it runs.
    New,
}

impl Verdict {
    /// In words, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::MayHaveChanged => "may have changed",
            Self::Changed => "changed",
            Self::New => "new",
        }
    }

    /// In one word, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::MayHaveChanged => "may_have_changed",
            other => other.words(),
        }
    }
}

/// A process and all that is known of its change.
#[derive(Debug)]
pub struct Process {
    /// Its name, as in `Procfile.NAME`.
    pub name: String,
    /// The releases of it that run; more than one when the last release was left half done.
    pub runs: Vec<Running>,
    /// What happens to it.
    pub verdict: Verdict,
    /// What differs, each with its way to the program.
    pub walks: Vec<Walk>,
    /// Why it is not known, where nothing that differs can be named.
    pub unknown: Option<String>,
    /// A build of what is here, when there is one.
    pub built: Option<Digest>,
    /// Whether a build has shown that nothing changed although something might have.
    pub was_needless: bool,
    /// What the program in the work tree is made of; none when no package builds it.
    pub now: Option<Inputs>,
    differences: Vec<Difference>,
}

impl Process {
    pub(super) fn new(
        procfile: &Procfile,
        runs: Vec<Running>,
        now: Option<Inputs>,
        built: Option<Digest>,
    ) -> Self {
        Self {
            name: procfile.name.clone(),
            runs,
            verdict: Verdict::New,
            walks: Vec::new(),
            unknown: None,
            built,
            was_needless: false,
            now,
            differences: Vec::new(),
        }
    }

    /// Compares every release that runs with what is here.
    pub(super) fn compare(&mut self, baselines: &mut Baselines<'_>) {
        let Some(now) = self.now.clone() else {
            self.verdict = Verdict::MayHaveChanged;
            self.unknown = Some(format!("no package here builds what Procfile.{} starts", self.name));
            return;
        };
        if let Some(baseline) = baselines.named(&self.name) {
            self.judge(&now, baseline.inputs);
            return;
        }
        if self.runs.is_empty() {
            self.unknown = Some("it is not known to be running".to_owned());
            return;
        }
        for mut running in std::mem::take(&mut self.runs) {
            let baseline = baselines.of(&self.name, &running);
            running.commit = baseline.commit.or(running.commit);
            self.judge(&now, baseline.inputs);
            self.runs.push(running);
        }
        if self.runs.len() > 1 {
            self.verdict = Verdict::MayHaveChanged;
            self.unknown =
                Some("more than one build of it is running: the last release was left incomplete".to_owned());
        }
        // A build of exactly this is kept: its bytes have the word.
        if let Some(built) = self.built.clone() {
            self.settle(Some(&built));
        }
    }

    fn judge(&mut self, now: &Inputs, before: Result<Inputs, String>) {
        let before = match before {
            Ok(before) => before,
            Err(why) => {
                self.verdict = Verdict::MayHaveChanged;
                self.unknown = Some(why);
                return;
            }
        };
        self.differences = before.differences(now);
        self.verdict = match self.differences.is_empty() {
            true => Verdict::Unchanged,
            false => Verdict::MayHaveChanged,
        };
    }

    /// Follows each difference through the crates.
    pub(super) fn walk(&mut self, graph: &Graph, program: &str) {
        let package = graph.package_of(program).map(|package| package.name.clone()).unwrap_or_default();
        let walk = |difference: Difference| Walk::of(difference, graph, &package);
        self.walks = std::mem::take(&mut self.differences).into_iter().map(walk).collect();
    }

    /// Judges by a build of what is here.
    pub(super) fn settle(&mut self, built: Option<&Digest>) {
        let Some(built) = built else { return };
        self.built = Some(built.clone());
        if self.verdict == Verdict::New {
            return;
        }
        let is_it = |running: &Running| built.as_str().starts_with(&running.release);
        let same = !self.runs.is_empty() && self.runs.iter().all(is_it);
        self.was_needless = same && self.verdict == Verdict::MayHaveChanged;
        self.verdict = if same { Verdict::Unchanged } else { Verdict::Changed };
    }

    /// The release that should run, when it is known.
    pub(super) fn wanted(&self) -> Option<Digest> {
        match (&self.built, self.verdict, self.runs.as_slice()) {
            (Some(built), ..) => Some(built.clone()),
            (None, Verdict::Unchanged, [running]) => Digest::parse(&running.release),
            _ => None,
        }
    }

    /// The first reason, for one line.
    pub fn reason(&self) -> String {
        let more = |count: usize| if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        match (self.verdict, &self.unknown, self.walks.first()) {
            (Verdict::Unchanged, ..) if self.was_needless => "its bytes are the same".to_owned(),
            (Verdict::Unchanged, ..) => "built from the same inputs".to_owned(),
            (_, Some(unknown), _) => unknown.clone(),
            (_, None, Some(walk)) => format!("{walk}{}", more(self.walks.len())),
            (Verdict::Changed, ..) => "its bytes differ".to_owned(),
            (_, None, None) => String::new(),
        }
    }
}
