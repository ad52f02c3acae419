//! The manifest of one build.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The version of [`Manifest`]'s own shape.
pub const MANIFEST_VERSION: u16 = 1;

/// The fields of a job's arguments, each with the name of its type.
pub type Arguments = BTreeMap<String, String>;

/// The JSON type of a value, as [`Arguments`] name it: `integer` and `number` are told apart.
#[must_use]
pub fn json_type(value: &serde_json::Value) -> &'static str {
    use serde_json::Value;
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What a release reads, writes, enqueues and handles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The shape of this value: [`MANIFEST_VERSION`].
    pub manifest_version: u16,
    /// The process it is a build of: `web`, `worker`, `clock` or any other with a Procfile.
    pub process: String,
    /// The build's digest.
    pub digest: String,
    /// The commit it was built from.
    #[serde(default)]
    pub commit: Option<String>,
    /// The compiler that built it.
    #[serde(default)]
    pub toolchain: Option<String>,
    /// Whether it listens for visitors: it has a public address.
    #[serde(default, skip_serializing_if = "is_false")]
    pub listens: bool,
    /// Whether it works jobs; so does whatever handles a kind.
    #[serde(default, skip_serializing_if = "is_false")]
    pub works: bool,
    /// Whether it fires schedules.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fires: bool,
    /// The environment variables with secrets of its own that it is run with.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub secrets: BTreeSet<String>,
    /// What it does with which tables.
    #[serde(default)]
    pub tables: BTreeMap<String, TableUse>,
    /// The kinds it enqueues, each with the version of the arguments it writes.
    #[serde(default)]
    pub enqueues: BTreeMap<String, u16>,
    /// The kinds it works.
    #[serde(default)]
    pub handles: BTreeMap<String, Handled>,
    /// The arguments of the kinds it knows, in the version that it writes and the newest that it reads.
    #[serde(default)]
    pub arguments: BTreeMap<String, Arguments>,
}

/// What a release does with one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableUse {
    /// The columns it reads or writes, each with the SQL type it was built for.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// The columns its INSERTs fill; none where it inserts nothing.
    #[serde(default)]
    pub inserts: Option<BTreeSet<String>>,
}

/// How a release works one kind of job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handled {
    /// The newest version of the arguments it decodes; older ones are brought up to it.
    pub newest: u16,
    /// The oldest version it decodes.
    pub oldest: u16,
    /// Former kinds it works as well.
    #[serde(default)]
    pub aliases: BTreeSet<String>,
}

impl Manifest {
    /// One that uses nothing.
    #[must_use]
    pub fn new(process: impl Into<String>, digest: impl Into<String>) -> Self {
        Self {
            manifest_version: MANIFEST_VERSION,
            process: process.into(),
            digest: digest.into(),
            commit: None,
            toolchain: None,
            listens: false,
            works: false,
            fires: false,
            secrets: BTreeSet::new(),
            tables: BTreeMap::new(),
            enqueues: BTreeMap::new(),
            handles: BTreeMap::new(),
            arguments: BTreeMap::new(),
        }
    }

    /// Adds what another part of the same build does with tables.
    pub fn add_tables(&mut self, tables: BTreeMap<String, TableUse>) {
        for (name, usage) in tables {
            let known = self.tables.entry(name).or_default();
            known.columns.extend(usage.columns);
            if let Some(inserts) = usage.inserts {
                known.inserts.get_or_insert_default().extend(inserts);
            }
        }
    }

    /// `process@digest`, the digest cut to what a person reads.
    #[must_use]
    pub fn short_name(&self) -> String {
        let digest: String = self.digest.chars().take(8).collect();
        format!("{}@{digest}", self.process)
    }

    /// How it works jobs of `kind`, by that name or as an alias.
    #[must_use]
    pub fn handler_of(&self, kind: &str) -> Option<&Handled> {
        self.handles
            .get(kind)
            .or_else(|| self.handles.values().find(|handled| handled.aliases.contains(kind)))
    }
}

impl Manifest {
    /// The arguments that its handler of `kind` reads, by that name or as an alias.
    #[must_use]
    pub fn arguments_of(&self, kind: &str) -> Option<&Arguments> {
        let by_alias = || {
            let handled = self.handles.iter().find(|(_, handled)| handled.aliases.contains(kind));
            handled.and_then(|(kind, _)| self.arguments.get(kind))
        };
        self.arguments.get(kind).or_else(by_alias)
    }
}

impl Handled {
    /// Whether arguments of `version` decode.
    #[must_use]
    pub fn accepts(&self, version: u16) -> bool {
        (self.oldest..=self.newest).contains(&version)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_from_before_a_process_said_what_it_does_still_parses() {
        let old = r#"{"manifest_version": 1, "process": "mail", "digest": "d",
            "handles": {"send": {"newest": 1, "oldest": 1}}}"#;
        let manifest: Manifest = serde_json::from_str(old).unwrap();
        assert!(!manifest.listens && !manifest.fires && manifest.secrets.is_empty());
        assert!(manifest.is_worker(), "it handles a kind");
    }

    #[test]
    fn what_a_process_does_survives_json_and_nothing_is_said_of_what_it_does_not() {
        let mut manifest = Manifest::new("web", "d");
        assert!(!serde_json::to_string(&manifest).unwrap().contains("listens"));
        (manifest.listens, manifest.fires) = (true, true);
        manifest.secrets.insert("ADMIN_TOKEN".to_owned());
        let text = serde_json::to_string(&manifest).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), manifest);
    }
}
