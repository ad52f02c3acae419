//! What a build declares before it runs: the binary knows its parts, this crate does not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read as _},
};

use manifest::{Handled, Manifest, Tables};
use sha2::{Digest as _, Sha256};

/// What a binary is made of. `Declaration::new().tables(models::SCHEMA).tables(queue::SCHEMA)`
#[derive(Debug, Clone, Default)]
pub struct Declaration {
    tables: Vec<Tables>,
    enqueues: Vec<Contract>,
    handles: Vec<Contract>,
    listens: bool,
    works: bool,
    fires: bool,
    secrets: BTreeSet<String>,
}

/// One kind of job as an enqueuer or a handler knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// The name that crosses process borders.
    pub kind: String,
    /// The version of the arguments that is written, and the newest that is read.
    pub version: u16,
    /// The oldest version that is read.
    pub oldest: u16,
    /// Former kinds that are worked too.
    pub aliases: Vec<String>,
    /// The fields of the arguments, each with the name of its JSON type.
    pub arguments: BTreeMap<String, String>,
}

impl Declaration {
    /// A binary that uses nothing but this crate.
    #[must_use]
    pub fn new() -> Self {
        Self::default().tables(crate::SCHEMA)
    }

    /// The tables of one of its crates: `manifest::tables!("src/schema.rs")`.
    #[must_use]
    pub fn tables(mut self, tables: Tables) -> Self {
        self.tables.push(tables);
        self
    }

    /// Kinds of jobs that it enqueues.
    #[must_use]
    pub fn enqueues(mut self, contracts: impl IntoIterator<Item = Contract>) -> Self {
        self.enqueues.extend(contracts);
        self
    }

    /// Kinds of jobs that it works.
    #[must_use]
    pub fn handles(mut self, contracts: impl IntoIterator<Item = Contract>) -> Self {
        self.handles.extend(contracts);
        self
    }

    /// That it listens for visitors: it is given a port, or the socket of the one before.
    #[must_use]
    pub fn listens(mut self) -> Self {
        self.listens = true;
        self
    }

    /// That it works jobs of kinds that are not known before it runs; [`Self::handles`] says it for others.
    #[must_use]
    pub fn works(mut self) -> Self {
        self.works = true;
        self
    }

    /// That it fires schedules.
    #[must_use]
    pub fn fires(mut self) -> Self {
        self.fires = true;
        self
    }

    /// An environment variable with a secret of its own, such as a token. On a person's machine one is made up where
    /// none is set.
    #[must_use]
    pub fn secret(mut self, variable: &str) -> Self {
        self.secrets.insert(variable.to_owned());
        self
    }

    /// All of it, without the digest.
    pub(crate) fn manifest(&self, process: &str, commit: Option<&str>) -> Manifest {
        let mut manifest = Manifest::new(process, "");
        manifest.commit = commit.map(str::to_owned);
        manifest.toolchain = Some(env!("SIDES_TOOLCHAIN").to_owned());
        manifest.listens = self.listens;
        manifest.works = self.works || !self.handles.is_empty();
        manifest.fires = self.fires;
        manifest.secrets.clone_from(&self.secrets);
        for tables in &self.tables {
            manifest.add_tables(manifest::declared(tables));
        }
        for contract in &self.handles {
            let aliases: BTreeSet<String> = contract.aliases.iter().cloned().collect();
            let handled = Handled { newest: contract.version, oldest: contract.oldest, aliases };
            manifest.handles.insert(contract.kind.clone(), handled);
        }
        for contract in &self.enqueues {
            manifest.enqueues.insert(contract.kind.clone(), contract.version);
        }
        for contract in self.enqueues.iter().chain(&self.handles) {
            manifest.arguments.insert(contract.kind.clone(), contract.arguments.clone());
        }
        manifest
    }
}

/// The SHA-256 of the running program's bytes, in hex. Reads all of it: not on a thread that others wait for.
pub(crate) fn own_digest() -> io::Result<String> {
    let (mut program, mut hasher) = (File::open("/proc/self/exe")?, Sha256::new());
    let mut chunk = vec![0; 1 << 20];
    loop {
        match program.read(&mut chunk)? {
            0 => break,
            read => hasher.update(&chunk[..read]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(kind: &str) -> Contract {
        let arguments = BTreeMap::from([("id".to_owned(), "integer".to_owned())]);
        Contract { kind: kind.to_owned(), version: 2, oldest: 1, aliases: vec!["old".to_owned()], arguments }
    }

    #[test]
    fn a_manifest_is_the_sum_of_its_parts() {
        let declaration = Declaration::new()
            .tables(&[("a", &[("id", "int8")])])
            .enqueues([contract("greet")])
            .handles([contract("mail")])
            .listens()
            .secret("ADMIN_TOKEN");
        let manifest = declaration.manifest("web", Some("c0ffee"));
        assert!(manifest.tables["sides.instances"].columns.contains_key("heartbeat_at"));
        assert_eq!(manifest.tables["a"].columns["id"], "int8");
        assert_eq!((manifest.enqueues["greet"], manifest.handles["mail"].oldest), (2, 1));
        assert_eq!(manifest.arguments.len(), 2);
        assert!(manifest.listens && manifest.works && !manifest.fires);
        assert!(manifest.secrets.contains("ADMIN_TOKEN"));
        assert!(!Declaration::new().enqueues([contract("greet")]).manifest("web", None).works);
        assert!(manifest.toolchain.is_some_and(|text| text.starts_with("rustc ")));
    }
}
