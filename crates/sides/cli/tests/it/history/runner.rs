//! A runner on the machine of a host: it gives the pipeline's commands to bash, as GitHub's and GitLab's do.

use std::{
    collections::BTreeMap, fs, os::unix::process::ExitStatusExt as _, process::Command, time::Instant,
};

use super::pipeline::{Job, Step};
use crate::{
    host::Dev,
    sandbox::{Sandbox, text},
};

/// How a run went.
pub(super) struct Ran {
    /// The step that failed; no later one was begun.
    pub(super) failed_at: Option<String>,
    pub(super) said: String,
    /// What is posted for people.
    pub(super) summary: String,
    /// What each step took.
    pub(super) seconds: BTreeMap<String, f64>,
}

pub(super) struct Runner<'a> {
    sandbox: &'a Sandbox,
    environment: BTreeMap<String, String>,
}

impl<'a> Runner<'a> {
    /// Bakes for so many seconds instead of the job's own.
    pub(super) fn new(sandbox: &'a Sandbox, job: &Job, bake: u32) -> Self {
        let mut runner = Self { sandbox, environment: BTreeMap::new() };
        for (name, value) in &job.environment {
            runner.environment.insert(name.clone(), runner.here(value));
        }
        runner.environment.insert("BAKE".to_owned(), bake.to_string());
        for name in ["GITHUB_ENV", "GITHUB_STEP_SUMMARY"] {
            let file = sandbox.file(name);
            fs::write(&file, "").unwrap();
            runner.environment.insert(name.to_owned(), file.to_str().unwrap().to_owned());
        }
        runner.environment.insert("GITHUB_ACTIONS".to_owned(), "true".to_owned());
        runner
    }

    /// The machine's folders are the sandbox's.
    fn here(&self, text: &str) -> String {
        let root = self.sandbox.path().to_str().unwrap().to_owned();
        let text = text.replace("/opt/sides/checkout", &root).replace("/opt/sides/", &format!("{root}/"));
        text.replace("/etc/sides/", &format!("{root}/etc/"))
    }

    fn command(&self, step: &Step) -> Command {
        let mut command = self.sandbox.script("runner", &self.here(&step.script));
        command.envs(&self.environment);
        command
    }

    pub(super) fn run(&mut self, job: &Job, is_push: bool) -> Ran {
        let steps: Vec<&Step> = job.steps.iter().filter(|step| is_push || !step.only_on_push).collect();
        self.take(&steps)
    }

    /// Takes every step but the last, and begins that.
    pub(super) fn begin_last(&mut self, job: &Job) -> Dev {
        let (last, steps) = job.steps.split_last().unwrap();
        let ran = self.take(&steps.iter().collect::<Vec<_>>());
        assert_eq!(ran.failed_at, None, "{}", ran.said);
        Dev::start(self.command(last))
    }

    fn take(&mut self, steps: &[&Step]) -> Ran {
        let mut ran =
            Ran { failed_at: None, said: String::new(), summary: String::new(), seconds: BTreeMap::new() };
        for step in steps {
            let begun = Instant::now();
            let output = self.command(step).output().unwrap();
            ran.seconds.insert(step.name.clone(), begun.elapsed().as_secs_f64());
            ran.said += &format!("== {}\n{}{}", step.name, text(&output.stdout), text(&output.stderr));
            assert_eq!(output.status.signal(), None, "{}", ran.said);
            if !output.status.success() {
                ran.failed_at = Some(step.name.clone());
                break;
            }
            // What a step leaves for those behind it.
            let left = fs::read_to_string(&self.environment["GITHUB_ENV"]).unwrap();
            let pairs = left.lines().filter_map(|line| line.split_once('='));
            self.environment.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        ran.summary = fs::read_to_string(&self.environment["GITHUB_STEP_SUMMARY"]).unwrap();
        ran
    }
}
