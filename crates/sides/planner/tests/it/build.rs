//! Worlds in few words.

use sides_planner::{Catalogue, Change, Column, Handled, Manifest, Phase, Process, SchemaStep};

pub(crate) fn manifest(process: &str, digest: &str) -> Manifest {
    Manifest::new(process, digest)
}

pub(crate) trait Says: Sized {
    /// It uses a column of table `t`, a text.
    fn uses(self, column: &str) -> Self;
    /// Its INSERTs into `t` fill these columns.
    fn inserts(self, columns: &[&str]) -> Self;
    fn enqueues(self, kind: &str, version: u16) -> Self;
    fn handles(self, kind: &str, versions: std::ops::RangeInclusive<u16>) -> Self;
}

impl Says for Manifest {
    fn uses(mut self, column: &str) -> Self {
        self.tables.entry("t".into()).or_default().columns.insert(column.into(), "text".into());
        self
    }

    fn inserts(mut self, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        self.tables.entry("t".into()).or_default().inserts = Some(columns);
        self
    }

    fn enqueues(mut self, kind: &str, version: u16) -> Self {
        self.enqueues.insert(kind.into(), version);
        self
    }

    fn handles(mut self, kind: &str, versions: std::ops::RangeInclusive<u16>) -> Self {
        let handled =
            Handled { oldest: *versions.start(), newest: *versions.end(), aliases: Default::default() };
        self.handles.insert(kind.into(), handled);
        self
    }
}

/// A table `t` of optional text columns.
pub(crate) fn catalogue(columns: &[&str]) -> Catalogue {
    let changes = columns.iter().map(|column| set(column, false));
    let changes: Vec<Change> =
        std::iter::once(Change::AddTable { table: "t".into() }).chain(changes).collect();
    Catalogue::default().after(&changes)
}

pub(crate) fn set(column: &str, required: bool) -> Change {
    Change::SetColumn {
        table: "t".into(),
        column: column.into(),
        to: Column { sql_type: "text".into(), required },
    }
}

pub(crate) fn drop(column: &str) -> Change {
    Change::DropColumn { table: "t".into(), column: column.into() }
}

pub(crate) fn step(name: &str, phase: Phase, changes: Vec<Change>) -> SchemaStep {
    SchemaStep { name: name.into(), phase, changes }
}

pub(crate) fn roll(old: Manifest, new: Manifest) -> Process {
    Process { name: new.process.clone(), live: vec![old], wanted: Some(new) }
}
