//! Derives the rights of a process from the manifests of its releases. Pure.

use std::collections::{BTreeMap, BTreeSet};

use manifest::{Catalogue, Manifest};

use super::rights::Right;

/// The schema of what every process shares.
const CHASSIS: &str = "sides.";

/// The rights that these releases of one process need together, of what the catalogue has.
///
/// A manifest does not tell apart what is read and what is written; where a release inserts, it may delete as well.
/// Tables of the chassis are read whole: its views of the queue name no columns.
pub(crate) fn needs(manifests: &[&Manifest], catalogue: &Catalogue) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for (table, used) in manifests.iter().flat_map(|manifest| &manifest.tables) {
        let Some(known) = catalogue.tables.get(table) else { continue };
        let mut add = |privilege: &str, column: Option<&String>| {
            rights.insert(Right {
                table: table.clone(),
                privilege: privilege.to_owned(),
                column: column.cloned(),
            });
        };
        for column in used.columns.keys().filter(|column| known.contains_key(*column)) {
            if !table.starts_with(CHASSIS) {
                add("SELECT", Some(column));
            }
            add("UPDATE", Some(column));
        }
        if table.starts_with(CHASSIS) {
            add("SELECT", None);
        }
        if let Some(inserts) = &used.inserts {
            add("DELETE", None);
            inserts
                .iter()
                .filter(|column| known.contains_key(*column))
                .for_each(|one| add("INSERT", Some(one)));
        }
    }
    rights
}

/// The role of a process.
pub(crate) fn role(process: &str) -> Option<String> {
    let is_name = !process.is_empty()
        && process.len() <= 50
        && process.bytes().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'_');
    is_name.then(|| format!("sides_{process}"))
}

/// The manifests of each process.
pub(crate) fn by_process(manifests: &[Manifest]) -> BTreeMap<&str, Vec<&Manifest>> {
    let mut found: BTreeMap<&str, Vec<&Manifest>> = BTreeMap::new();
    for manifest in manifests {
        found.entry(&manifest.process).or_default().push(manifest);
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use manifest::{Column, TableUse};

    use super::*;

    fn manifest(columns: &[&str], inserts: Option<&[&str]>) -> Manifest {
        let mut manifest = Manifest::new("web", "d");
        let columns = columns.iter().map(|name| ((*name).to_owned(), "int4".to_owned())).collect();
        let inserts = inserts.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        manifest.add_tables(BTreeMap::from([("t".to_owned(), TableUse { columns, inserts })]));
        manifest
    }

    #[test]
    fn a_role_has_what_any_of_its_releases_needs_and_the_catalogue_has() {
        let column = Column { sql_type: "int4".to_owned(), required: false };
        let columns = ["a", "b", "c"].map(|name| (name.to_owned(), column.clone()));
        let catalogue = Catalogue { tables: BTreeMap::from([("t".to_owned(), columns.into())]) };
        let (old, new) = (manifest(&["a"], None), manifest(&["b", "not_yet"], Some(&["b"])));
        let found: Vec<_> = needs(&[&old, &new], &catalogue)
            .into_iter()
            .map(|right| format!("{} {}", right.privilege, right.column.unwrap_or_default()))
            .collect();
        assert_eq!(found, ["DELETE ", "INSERT b", "SELECT a", "SELECT b", "UPDATE a", "UPDATE b"]);
    }

    #[test]
    fn only_plain_names_become_roles() {
        assert_eq!(role("web").as_deref(), Some("sides_web"));
        assert!(role("web; DROP").is_none() && role("").is_none());
    }
}
