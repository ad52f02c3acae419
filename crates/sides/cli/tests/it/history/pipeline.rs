//! The commands of the pipelines, read from the files that are handed out: what is tested is what is typed there.

use std::fs;

use crate::programs;

/// How the tests' job ends, in the words of an installed `sides`.
pub(super) const CHECK: &str = "sides migration check";

/// One step that runs commands.
#[derive(Debug, Default, Clone)]
pub(super) struct Step {
    pub(super) name: String,
    /// Not for a pull request.
    pub(super) only_on_push: bool,
    pub(super) script: String,
}

/// The commands of a job.
#[derive(Debug, Default)]
pub(super) struct Job {
    pub(super) environment: Vec<(String, String)>,
    pub(super) steps: Vec<Step>,
}

fn read(file: &str) -> String {
    fs::read_to_string(programs::workspace().join("deploy").join(file)).unwrap()
}

/// Lines with their indentation, without those that only comment.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().map(|line| (line.len() - line.trim_start().len(), line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// What stands below a key of this indentation.
fn below<'a>(text: &'a str, indent: usize, key: &str) -> Vec<(usize, &'a str)> {
    let from = lines(text).skip_while(move |(at, line)| (*at, *line) != (indent, key)).skip(1);
    let found: Vec<_> = from.take_while(|(at, _)| *at > indent).collect();
    assert!(!found.is_empty(), "there is no {key}");
    found
}

fn pairs(lines: &[(usize, &str)], indent: usize, key: &str) -> Vec<(String, String)> {
    let from = lines.iter().skip_while(|(at, line)| (*at, *line) != (indent, key)).skip(1);
    let own = from.take_while(|(at, _)| *at > indent);
    own.map(|(_, line)| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A job of the workflow for GitHub.
pub(super) fn github(job: &str) -> Job {
    let text = read("github/deploy.yml");
    let lines = below(&text, 2, &format!("{job}:"));
    let mut steps: Vec<Step> = Vec::new();
    for (indent, line) in lines.iter().skip_while(|(_, line)| *line != "steps:").skip(1) {
        let key = match (indent, line.strip_prefix("- ")) {
            (6, Some(key)) => {
                steps.push(Step::default());
                key
            }
            (8, _) => line,
            // Of a script; what belongs to `with` goes with it, and its step is no command.
            _ => {
                let step = steps.last_mut().unwrap();
                step.script += &format!("{line}\n");
                continue;
            }
        };
        let step = steps.last_mut().unwrap();
        match key.split_once(':').unwrap() {
            ("name", name) => name.trim().clone_into(&mut step.name),
            ("run", " |") => {}
            ("run", command) => command.trim().clone_into(&mut step.script),
            ("if", condition) => {
                assert_eq!(
                    condition.trim(),
                    "github.event_name == 'push'",
                    "no other condition is known here"
                );
                step.only_on_push = true;
            }
            _ => {}
        }
    }
    steps.retain(|step| !step.script.is_empty() && !step.script.starts_with("fetch-depth"));
    Job { environment: pairs(&lines, 4, "env:"), steps }
}

/// The job that releases at GitLab: one script, as its runner makes one.
pub(super) fn gitlab() -> Job {
    let text = read("gitlab-ci.yml");
    let (machine, release) = (below(&text, 0, ".on-the-machine:"), below(&text, 0, "release:"));
    let list = |lines: &[(usize, &str)], key: &str| -> Vec<String> {
        let from = lines.iter().skip_while(|(at, line)| (*at, *line) != (2, key)).skip(1);
        let items = from.take_while(|(at, _)| *at > 2).map(|(_, line)| line.strip_prefix("- ").unwrap());
        items
            .map(|item| match item.strip_prefix('\'').and_then(|item| item.strip_suffix('\'')) {
                Some(quoted) => quoted.replace("''", "'"),
                None => item.to_owned(),
            })
            .collect()
    };
    assert!(release.contains(&(2, "extends: .on-the-machine")));
    let script = [list(&machine, "before_script:"), list(&release, "script:")].concat().join("\n");
    let step = Step { name: "release".to_owned(), only_on_push: true, script };
    Job { environment: pairs(&machine, 2, "variables:"), steps: vec![step] }
}

#[test]
fn both_pipelines_are_read_as_they_are() {
    let github = github("release");
    let names: Vec<&str> = github.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["The host and its settings", "Plan", "Build", "Release"]);
    let is_only_on_push: Vec<bool> = github.steps.iter().map(|step| step.only_on_push).collect();
    assert_eq!(is_only_on_push, [false, false, false, true]);
    assert!(github.steps[2].script.starts_with("code=0\nsides plan --build --json > bytes.json"));
    let gitlab = gitlab();
    for job in [&github, &gitlab] {
        let target = ("CARGO_TARGET_DIR".to_owned(), "/opt/sides/target".to_owned());
        assert!(job.environment.contains(&target), "{:?}", job.environment);
        assert!(job.environment.contains(&("BAKE".to_owned(), "75".to_owned())), "{:?}", job.environment);
    }
    // They decide alike.
    let decisions = |job: &Job| -> Vec<String> {
        let all: String = job.steps.iter().map(|step| step.script.clone() + "\n").collect();
        let own = all.lines().filter(|line| line.starts_with("sides ") && !line.contains("--markdown"));
        own.map(|line| line.split(" ||").next().unwrap().to_owned()).collect()
    };
    assert_eq!(decisions(&github), decisions(&gitlab));
    assert_eq!(decisions(&github).len(), 3, "{:?}", decisions(&github));
}

#[test]
fn the_tests_end_with_a_look_at_the_migrations() {
    let last = github("test").steps.pop().unwrap();
    assert_eq!(
        last.script,
        format!("cargo run --locked -p sides-cli -- {}", CHECK.strip_prefix("sides ").unwrap())
    );
}
