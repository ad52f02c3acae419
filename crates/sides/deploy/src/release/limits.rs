//! `deploy/release.toml`: how releases of this application are watched.
//!
//! ```toml
//! bake = 75          # seconds; `--bake` counts instead
//!
//! [processes.web]
//! canary = 15        # seconds; 0 for none
//! growth_mb = 128    # megabytes that an instance may grow by while it is watched; 0 for any number
//! ```
//! Without the file, and for what it does not name, the defaults count.

use std::{collections::BTreeMap, fs, io, path::Path};

use anyhow::Context as _;
use platform::procfile;
use serde::Deserialize;
use workspace::Workspace;

/// Where it lies in a workspace.
const FILE: &str = "deploy/release.toml";

/// How long the new builds are watched, in seconds, unless it is said otherwise: every schedule of a minute fires in it.
const BAKE: u64 = 75;
/// The same of a canary: long enough for a difference to be told from chance, and for jobs that fail at once.
const CANARY: u64 = 15;
/// By how many megabytes a new instance may grow while it is watched, beyond which it leaks if it has doubled, too.
const GROWTH_MB: u64 = 128;
/// Longer than a day is a mistake in the unit.
const LONGEST: u64 = 86_400;

/// How releases are watched, as far as it belongs to the application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    bake: Option<u64>,
    #[serde(default)]
    processes: BTreeMap<String, OfProcess>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfProcess {
    canary: Option<u64>,
    growth_mb: Option<u64>,
}

impl Limits {
    /// Reads the file of a workspace.
    ///
    /// # Errors
    /// When it cannot be read or understood, or names what is not there: every fault is named.
    pub fn read(workspace: &Workspace) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(workspace.root().join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {FILE}")),
        };
        let known: Vec<String> =
            procfile::discover(workspace.root())?.into_iter().map(|procfile| procfile.name).collect();
        Self::parse(&text, &known)
    }

    fn parse(text: &str, known: &[String]) -> anyhow::Result<Self> {
        let limits: Self = toml::from_str(text)
            .map_err(|error| anyhow::anyhow!("{FILE}: {}", error.to_string().trim_end()))?;
        let strangers =
            limits.processes.keys().filter(|process| !known.contains(process)).map(|process| {
                format!("there is no Procfile.{process}; the processes are {}", known.join(", "))
            });
        let canaries = limits
            .processes
            .iter()
            .filter_map(|(process, of)| Some((format!("the canary of {process}"), of.canary?)));
        let too_long = canaries
            .chain(limits.bake.map(|bake| ("bake".to_owned(), bake)))
            .filter(|(_, seconds)| *seconds > LONGEST)
            .map(|(what, seconds)| format!("{what} lasts {seconds} s: give at most {LONGEST} (a day)"));
        let faults: Vec<String> = strangers.chain(too_long).collect();
        anyhow::ensure!(faults.is_empty(), "{}: {}", Path::new(FILE).display(), faults.join("; "));
        Ok(limits)
    }

    /// How long the new builds are watched after the last process was replaced, in seconds.
    pub fn bake(&self) -> u64 {
        self.bake.unwrap_or(BAKE)
    }

    /// How long the canary of a process is watched, in seconds; 0 for none.
    pub fn canary(&self, process: &str) -> u64 {
        self.processes.get(process).and_then(|of| of.canary).unwrap_or(CANARY)
    }

    /// By how many bytes an instance of a process may grow while it is watched; 0 for any number.
    pub fn growth(&self, process: &str) -> u64 {
        let megabytes = self.processes.get(process).and_then(|of| of.growth_mb).unwrap_or(GROWTH_MB);
        megabytes.saturating_mul(1 << 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Limits, String> {
        Limits::parse(text, &["web", "worker"].map(str::to_owned)).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn the_example_says_the_defaults() {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../deploy/release.example.toml");
        let limits = parse(&fs::read_to_string(example).unwrap()).unwrap();
        let of = |limits: &Limits| {
            (limits.bake(), limits.canary("web"), limits.canary("worker"), limits.growth("web"))
        };
        assert_eq!(of(&limits), of(&Limits::default()));
    }

    #[test]
    fn what_is_not_named_has_its_default_and_every_fault_is_said() {
        let limits =
            parse("bake = 5\n[processes.web]\ncanary = 0\n[processes.worker]\ngrowth_mb = 0\n").unwrap();
        assert_eq!((limits.bake(), limits.canary("web"), limits.canary("worker")), (5, 0, CANARY));
        assert_eq!((limits.growth("web"), limits.growth("worker")), (GROWTH_MB << 20, 0));
        assert_eq!(parse("").unwrap(), Limits::default());
        assert_eq!(Limits::default().bake(), BAKE);
        for (text, said) in [
            ("[processes.mail]\ncanary = 5", "no Procfile.mail; the processes are web, worker"),
            ("[processes.web]\ncanary = 90000", "the canary of web lasts 90000 s"),
            ("bake = 90000", "bake lasts 90000 s"),
            ("[processes.web]\ncanaries = 5", "canaries"),
            ("bake = -1", "release.toml: TOML parse error"),
            ("[processes.web]\ncanary = true", "release.toml: TOML parse error"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(said), "{text:?} said {error:?}");
        }
    }
}
