//! What the documents tell people to type can be typed, and their links lead somewhere.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use cargo_metadata::{MetadataCommand, Package, TargetKind};

use crate::{
    programs::{self, SIDES},
    sandbox::text,
};

/// Programs with subcommands.
const WITH_COMMANDS: [&str; 2] = ["sides", "migrate"];
const PROCESSES: [&str; 3] = ["web", "worker", "clock"];

struct Document {
    path: PathBuf,
    text: String,
}

/// Every Markdown file at the top and one folder below, and those of the crates.
fn documents() -> Vec<Document> {
    let root = programs::workspace();
    let folders = ["", "crates", "deploy", "docs", "migrations"].map(|folder| root.join(folder));
    let folders_in =
        |folder: &str| fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let crates = folders_in("crates").chain(folders_in("crates/sides"));
    let folders: Vec<PathBuf> = folders.into_iter().chain(crates.filter(|path| path.is_dir())).collect();
    let mut found = Vec::new();
    for folder in folders {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.extension().is_some_and(|ending| ending == "md") {
                found.push(Document { text: fs::read_to_string(&path).unwrap(), path });
            }
        }
    }
    found
}

/// The lines of fenced blocks and the inline code: what is meant to be typed.
fn code(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            found.push(line.trim().trim_start_matches("$ ").to_owned());
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

/// The words of each command in a line of shell, without comments, redirections and variables in front.
fn commands(line: &str) -> Vec<Vec<String>> {
    let line = line.split(" #").next().unwrap_or_default().split(" >").next().unwrap_or_default();
    line.split(['|', ';', '&'])
        .map(|command| {
            let words = command.split_whitespace();
            words.skip_while(|word| word.contains('=') && !word.starts_with('-')).map(str::to_owned).collect()
        })
        .filter(|words: &Vec<String>| !words.is_empty())
        .collect()
}

struct Known {
    packages: BTreeMap<String, Package>,
}

impl Known {
    fn read() -> Self {
        let manifest = programs::workspace().join("Cargo.toml");
        let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
        let packages = metadata.packages.into_iter().map(|package| (package.name.to_string(), package));
        Self { packages: packages.collect() }
    }

    /// Why this cannot be typed.
    fn fault(&self, words: &[String]) -> Option<String> {
        let program = Path::new(&words[0]).file_name()?.to_str()?;
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        match program {
            "cargo" => self.cargo(&arguments),
            _ if WITH_COMMANDS.contains(&program) || PROCESSES.contains(&program) => {
                refused(program, &arguments)
            }
            _ => None,
        }
    }

    fn cargo(&self, arguments: &[&str]) -> Option<String> {
        let (cargos, programs) = match arguments.iter().position(|word| *word == "--") {
            Some(at) => (&arguments[..at], Some(&arguments[at + 1..])),
            None => (arguments, None),
        };
        let mut package = "sides-cli";
        for pair in cargos.windows(2) {
            match pair[0] {
                "-p" | "--package" => {
                    package = pair[1];
                    if !self.packages.contains_key(package) {
                        return Some(format!("there is no package {package}"));
                    }
                }
                "--bench" | "--test" | "--bin" | "--example" => {
                    let kind = pair[0].trim_start_matches('-');
                    let has = |package: &Package| {
                        let same = |one: &TargetKind| one.to_string() == kind;
                        let mut targets = package.targets.iter();
                        targets.any(|target| target.name == pair[1] && target.kind.iter().any(same))
                    };
                    if !self.packages.values().any(has) {
                        return Some(format!("there is no {kind} {}", pair[1]));
                    }
                }
                _ => {}
            }
        }
        let programs =
            programs.filter(|_| cargos.first() == Some(&"run") && !cargos.contains(&"--example"))?;
        refused(
            package.strip_prefix("sides-").map_or(package, |name| if name == "cli" { "sides" } else { name }),
            programs,
        )
    }
}

/// What a program's own help does not know of these arguments.
fn refused(program: &str, arguments: &[&str]) -> Option<String> {
    // A placeholder, or the end of a command that a sentence only begins.
    let known = |word: &&&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '_');
    let words: Vec<&str> = arguments.iter().take_while(|word| !word.starts_with('-')).copied().collect();
    let path = if program == "sides" { PathBuf::from(SIDES) } else { programs::folder().join(program) };
    let commands: Vec<&str> = match PROCESSES.contains(&program) {
        true if !words.is_empty() => return Some(format!("{program} takes no {words:?}")),
        true => Vec::new(),
        false => words.iter().take_while(known).copied().collect(),
    };
    let output = Command::new(path).args(&commands).arg("--help").output().unwrap();
    if !output.status.success() {
        return Some(text(&output.stderr));
    }
    let help = text(&output.stdout);
    let mut flags =
        arguments.iter().filter(|word| word.starts_with("--")).map(|word| word.trim_end_matches(','));
    let unknown = flags.find(|flag| !help.contains(flag.split('=').next().unwrap_or(flag)))?;
    Some(format!("{program} {} does not know {unknown}", commands.join(" ")))
}

#[test]
fn every_command_can_be_typed() {
    let known = Known::read();
    let mut faults = Vec::new();
    let mut seen = 0;
    for document in documents() {
        for line in code(&document.text) {
            for words in commands(&line) {
                seen += 1;
                if let Some(fault) = known.fault(&words) {
                    faults.push(format!("{}: {line}: {fault}", document.path.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 50, "only {seen} commands were found");
}

/// The commands of the pipelines, which are YAML around shell.
#[test]
fn the_pipelines_type_commands_that_exist() {
    let known = Known::read();
    for file in ["github/deploy.yml", "gitlab-ci.yml"] {
        let text = fs::read_to_string(programs::workspace().join("deploy").join(file)).unwrap();
        let (mut faults, mut seen) = (Vec::new(), Vec::new());
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let line = line.trim_start().trim_start_matches("- ").trim_start_matches("run: ");
            for words in commands(line) {
                faults.extend(known.fault(&words).map(|fault| format!("{file}: {line}: {fault}")));
                seen.push(words.join(" "));
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        let typed = |wanted: &str| seen.iter().any(|command| command.starts_with(wanted));
        let wanted = [
            ".ci/run",
            "cargo run --locked -p sides-cli -- migration check",
            "sides plan --json",
            "sides release",
        ];
        assert!(wanted.iter().all(|wanted| typed(wanted)), "{file}: {seen:?}");
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for Document { path, text } in documents() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let is_here = !link.is_empty() && !link.contains("://");
            if is_here && !path.parent().unwrap().join(link).exists() {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// mdBook leaves out what its table of contents does not name.
#[test]
fn every_page_is_in_the_book() {
    let root = programs::workspace();
    let contents = fs::read_to_string(root.join("SUMMARY.md")).unwrap();
    let in_book = |name: &str| contents.contains(&format!("]({name})"));
    let pages: Vec<String> = documents()
        .iter()
        .map(|page| page.path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned())
        .filter(|page| page != "SUMMARY.md" && !page.starts_with("crates/sides/") || in_book(page))
        .collect();
    let missing: Vec<&String> = pages.iter().filter(|page| !in_book(page)).collect();
    assert!(missing.is_empty(), "not in SUMMARY.md: {missing:?}");
    assert!(pages.len() > 12, "{pages:?}");
}

#[test]
fn what_cannot_be_typed_is_found() {
    let known = Known::read();
    let fault = |line: &str| commands(line).iter().find_map(|words| known.fault(words));
    for wrong in [
        "cargo run -p nobody",
        "cargo run -- fly",
        "cargo run -- status --xml",
        "cargo bench -p sides-planner --bench nothing",
        "DATABASE_URL=x migrate sideways",
        "migrate up --later",
        "worker start",
        "web --port 3000 | tee log",
    ] {
        assert!(fault(wrong).is_some(), "{wrong}");
    }
    for right in [
        "cargo run -- dev --port 3000",
        "cargo bench -p sides-planner --bench planner",
        "cargo test -p sides-migrate -- lane",
        "migrate down --count 2 # two",
        "sides status --json",
        "worker --help > help",
        "systemctl restart web",
    ] {
        assert_eq!(fault(right), None, "{right}");
    }
}
