//! `deploy/targets.toml`: which places there are, and which process runs where.
//!
//! ```toml
//! [places.cloud]
//! kind = "heroku"
//!
//! [places.here]
//! kind = "local"
//!
//! [processes]
//! web = { place = "cloud", app = "acme-web" }
//! worker = { place = "here" }
//!
//! [migrations]
//! place = "cloud"
//! app = "acme-migrate"
//! ```
//! Migrations run on the machine that releases, unless a place is named for them. A process that is not named, and every
//! process when there is no file, runs on this machine's host.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::apps;

/// What migrations are called among the processes of a place.
pub const MIGRATE: &str = "migrate";

/// Which process runs where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    places: BTreeMap<String, Kind>,
    processes: BTreeMap<String, Target>,
    migrations: Option<Target>,
}

/// What runs the processes of a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Kind {
    /// `sides host` on this machine.
    Local,
    /// Heroku, an app for each process.
    Heroku(HerokuPlace),
}

/// What apps have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HerokuPlace {
    /// `eu` or `us`.
    #[serde(default = "eu")]
    pub region: String,
    /// The plan of the Postgres they share.
    #[serde(default = "smallest")]
    pub postgres: String,
    /// Whether old web dynos go on until new ones serve. Plans below Standard do not have it.
    #[serde(default)]
    pub preboot: bool,
    /// The most dynos of one process. Plans below Standard have one.
    #[serde(default = "hundred")]
    pub most_dynos: u32,
    /// How long after SIGTERM what runs may take. Heroku kills after 30 s.
    #[serde(default = "twenty_five")]
    pub drain_seconds: u64,
}

fn eu() -> String {
    "eu".to_owned()
}

fn smallest() -> String {
    "heroku-postgresql:essential-0".to_owned()
}

fn hundred() -> u32 {
    100
}

fn twenty_five() -> u64 {
    25
}

/// Where one process runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// One of the places.
    pub place: String,
    /// Its Heroku app.
    pub app: Option<String>,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TargetsError {
    /// It cannot be read.
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// It is not understood.
    #[error("{}: {text}", .0.display(), text = .1)]
    Syntax(PathBuf, String),
    /// It can be read, but what it says is invalid.
    #[error("{}: {}", .0.display(), .1.join("; "))]
    Faults(PathBuf, Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    places: BTreeMap<String, Kind>,
    #[serde(default)]
    processes: BTreeMap<String, Target>,
    migrations: Option<Target>,
}

/// From SIGTERM to SIGKILL at Heroku.
const HEROKU_LIMIT: u64 = 30;

impl Targets {
    /// Reads the file; without one, everything runs on this machine. `known` are the processes that have a Procfile.
    ///
    /// # Errors
    /// When it cannot be read, or says something impossible: every fault is named.
    pub fn read(file: &Path, known: &[String]) -> Result<Self, TargetsError> {
        match fs::read_to_string(file) {
            Ok(text) => Self::parse(file, &text, known),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(TargetsError::Read(file.to_owned(), error)),
        }
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(file: &Path, text: &str, known: &[String]) -> Result<Self, TargetsError> {
        let written: Written = toml::from_str(text).map_err(|error| {
            TargetsError::Syntax(file.to_owned(), error.to_string().trim_end().to_owned())
        })?;
        let Written { places, processes, migrations } = written;
        let targets = Self { places, processes, migrations };
        match targets.faults(known) {
            faults if faults.is_empty() => Ok(targets),
            faults => Err(TargetsError::Faults(file.to_owned(), faults)),
        }
    }

    /// The place of a process and its kind; none is this machine.
    #[must_use]
    pub fn target(&self, process: &str) -> Option<(&Target, &Kind)> {
        let target = self.processes.get(process)?;
        Some((target, self.places.get(&target.place)?))
    }

    /// Every place that is Heroku, with the app of each of its processes; that of migrations is among them as [`MIGRATE`].
    #[must_use]
    pub fn heroku(&self) -> Vec<(&str, &HerokuPlace, BTreeMap<String, String>)> {
        let all = self.places.iter().filter_map(|(name, kind)| match kind {
            Kind::Heroku(place) => Some((name.as_str(), place, self.apps(name))),
            Kind::Local => None,
        });
        all.collect()
    }

    /// What a controller is told of the processes at Heroku, as variables: `HEROKU_APPS` and the most dynos that every one of
    /// their places allows. Nothing when no process lives there.
    #[must_use]
    pub fn told_to_the_controller(&self) -> Vec<(&'static str, String)> {
        let (mut all, mut most) = (BTreeMap::new(), u32::MAX);
        for (_, place, mut its) in self.heroku() {
            its.remove(MIGRATE);
            if !its.is_empty() {
                most = most.min(place.most_dynos);
            }
            all.extend(its);
        }
        if all.is_empty() {
            return Vec::new();
        }
        vec![("HEROKU_APPS", apps::write(&all)), ("HEROKU_MOST_DYNOS", most.to_string())]
    }

    fn apps(&self, place: &str) -> BTreeMap<String, String> {
        let its = self.all().filter(|(_, target)| target.place == place);
        its.filter_map(|(process, target)| Some((process.to_owned(), target.app.clone()?))).collect()
    }

    /// Everything that has a place.
    fn all(&self) -> impl Iterator<Item = (&str, &Target)> {
        let processes = self.processes.iter().map(|(process, target)| (process.as_str(), target));
        processes.chain(self.migrations.iter().map(|target| (MIGRATE, target)))
    }

    fn faults(&self, known: &[String]) -> Vec<String> {
        let mut faults = Vec::new();
        let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
        for process in self.processes.keys() {
            if !known.contains(process) {
                faults
                    .push(format!("there is no Procfile.{process}; the processes are {}", known.join(", ")));
            }
        }
        for (process, target) in self.all() {
            let place = &target.place;
            match (self.places.get(place), &target.app) {
                (None, _) => faults
                    .push(format!("{process} runs at {place:?}, which is not a place: add [places.{place}]")),
                (Some(Kind::Heroku(_)), None) => {
                    faults.push(format!("{process} runs at {place}: give its Heroku app with app = \"…\""));
                }
                (Some(Kind::Local), Some(_)) => {
                    faults.push(format!("{process} runs on this machine and needs no app"));
                }
                (Some(Kind::Heroku(_)), Some(app)) => {
                    if !apps::is_app(app) {
                        faults.push(apps::not_an_app(app));
                    }
                    if let Some(other) = taken.insert(app, process) {
                        faults.push(format!(
                            "{other} and {process} share the app {app}: a release of one would restart the other"
                        ));
                    }
                }
                (Some(Kind::Local), None) => {}
            }
        }
        for (name, place, _) in self.heroku() {
            if place.drain_seconds >= HEROKU_LIMIT {
                let seconds = place.drain_seconds;
                faults.push(format!(
                    "{name}: drain_seconds = {seconds}, but Heroku kills {HEROKU_LIMIT} s after SIGTERM: choose \
                     less"
                ));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Targets, String> {
        let known = ["clock", "web", "worker"].map(str::to_owned);
        Targets::parse(Path::new("targets.toml"), text, &known).map_err(|error| error.to_string())
    }

    const PLACES: &str = "[places.cloud]\nkind = \"heroku\"\n[places.here]\nkind = \"local\"\n[processes]\n";

    #[test]
    fn each_process_has_its_place_and_this_machine_is_the_default() {
        let text = format!(
            "{PLACES}web = {{ place = \"cloud\", app = \"acme-web\" }}\nworker = {{ place = \"here\" }}"
        );
        let targets = read(&text).unwrap();
        let (web, kind) = targets.target("web").unwrap();
        assert_eq!((web.app.as_deref(), matches!(kind, Kind::Heroku(_))), (Some("acme-web"), true));
        assert_eq!(targets.target("worker").unwrap().1, &Kind::Local);
        assert_eq!(targets.target("clock"), None);
        let [(name, place, apps)] = &targets.heroku()[..] else { panic!("one place is Heroku") };
        assert_eq!((*name, place.region.as_str(), apps.len()), ("cloud", "eu", 1));
        assert_eq!(Targets::read(Path::new("/nowhere/targets.toml"), &[]).unwrap(), Targets::default());
    }

    #[test]
    fn a_controller_is_told_of_every_process_at_heroku() {
        let text = format!(
            "[places.small]\nkind = \"heroku\"\nmost_dynos = 1\n{PLACES}\
             web = {{ place = \"cloud\", app = \"acme-web\" }}\nclock = {{ place = \"here\" }}\n\
             worker = {{ place = \"small\", app = \"acme-worker\" }}\n\
             [migrations]\nplace = \"cloud\"\napp = \"acme-migrate\""
        );
        let told = [("HEROKU_APPS", "web=acme-web,worker=acme-worker"), ("HEROKU_MOST_DYNOS", "1")];
        let told = told.map(|(name, value)| (name, value.to_owned()));
        assert_eq!(read(&text).unwrap().told_to_the_controller(), told);
    }

    #[test]
    fn migrations_have_a_place_when_one_is_named() {
        let text = format!("{PLACES}\n[migrations]\nplace = \"cloud\"\napp = \"acme-migrate\"");
        let targets = read(&text).unwrap();
        assert_eq!(targets.heroku()[0].2, [(MIGRATE.to_owned(), "acme-migrate".to_owned())].into());
        let shared = format!(
            "{PLACES}web = {{ place = \"cloud\", app = \"acme\" }}\n[migrations]\nplace = \"cloud\"\napp = \"acme\""
        );
        assert!(read(&shared).unwrap_err().contains("web and migrate share the app acme"));
        assert_eq!(targets.told_to_the_controller(), [], "no process lives there");
        let nowhere = read(&format!("{PLACES}\n[migrations]\nplace = \"moon\"")).unwrap_err();
        assert!(nowhere.contains("add [places.moon]"), "{nowhere}");
    }

    #[test]
    fn every_fault_is_named_with_what_to_do() {
        for (text, said) in [
            ("mail = { place = \"here\" }", "no Procfile.mail; the processes are clock, web, worker"),
            ("web = { place = \"moon\" }", "add [places.moon]"),
            ("web = { place = \"cloud\" }", "give its Heroku app"),
            ("web = { place = \"here\", app = \"acme\" }", "needs no app"),
            ("web = { place = \"cloud\", app = \"Acme\" }", "cannot be an app's name"),
            (
                "web = { place = \"cloud\", app = \"acme\" }\nworker = { place = \"cloud\", app = \"acme\" }",
                "web and worker share the app acme",
            ),
            ("web = { plaice = \"here\" }", "targets.toml: TOML parse error at line 6"),
        ] {
            let error = read(&format!("{PLACES}{text}")).unwrap_err();
            assert!(error.contains(said), "{text:?} said {error:?}, not {said:?}");
        }
        let slow = read("[places.cloud]\nkind = \"heroku\"\ndrain_seconds = 40\n").unwrap_err();
        assert!(slow.contains("kills 30 s after SIGTERM"), "{slow}");
        let unknown = read("[places.cloud]\nkind = \"heroku\"\nregions = \"eu\"\n").unwrap_err();
        assert!(unknown.contains("regions"), "{unknown}");
        let other = read("[places.cloud]\nkind = \"nomad\"\n").unwrap_err();
        assert!(other.contains("nomad") && other.contains("heroku"), "{other}");
    }
}
