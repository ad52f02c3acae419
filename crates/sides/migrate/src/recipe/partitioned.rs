//! Indexes of partitioned tables: one on the parent alone, one built concurrently on each partition, then attached.

use super::{
    Instead,
    names::{Table, given, quoted},
};
use crate::class::PartitionFacts;

/// An index as it is written, without its table.
#[derive(Debug)]
pub(crate) struct Shape<'a> {
    /// `UNIQUE ` or nothing.
    pub(crate) unique: &'a str,
    /// What stands behind the table.
    pub(crate) behind: &'a str,
    /// The columns' names, as Postgres names an index after them.
    pub(crate) columns: &'a [String],
}

/// An index on the parent named `name`.
pub(crate) fn index(table: &Table, name: &str, shape: &Shape<'_>, partitions: &[PartitionFacts]) -> Instead {
    let Shape { unique, behind, .. } = shape;
    let mut statements =
        vec![format!("CREATE {unique}INDEX {} ON ONLY {}{behind}", quoted(name), table.written)];
    statements.extend(each(table, name, "idx", shape, partitions, |_, _| Vec::new()));
    Instead::Statements(statements)
}

/// A constraint on the parent: `kind` is `UNIQUE` or `PRIMARY KEY`, `added` what stands behind its name.
pub(crate) fn constraint(
    table: &Table,
    name: &str,
    kind: &str,
    added: &str,
    shape: &Shape<'_>,
    partitions: &[PartitionFacts],
) -> Vec<String> {
    let suffix = if kind == "UNIQUE" { "key" } else { "pkey" };
    let deferred = added.find(" DEFERRABLE").map_or("", |start| &added[start..]);
    let on_parent = |table: &str, name: &str| {
        format!("ALTER TABLE ONLY {table} ADD CONSTRAINT {} {kind} {added}", quoted(name))
    };
    let mut statements = vec![on_parent(&table.written, name)];
    statements.extend(each(table, name, suffix, shape, partitions, |partition, own| {
        let own_name = quoted(own);
        match partition.is_leaf {
            true => vec![format!(
                "ALTER TABLE {} ADD CONSTRAINT {own_name} {kind} USING INDEX {own_name}{deferred}",
                written(&partition.name)
            )],
            false => vec![on_parent(&written(&partition.name), own)],
        }
    }));
    statements
}

/// Deepest first, so that each partition's index is whole before it is attached.
fn each(
    table: &Table,
    name: &str,
    suffix: &str,
    shape: &Shape<'_>,
    partitions: &[PartitionFacts],
    more: impl Fn(&PartitionFacts, &str) -> Vec<String>,
) -> Vec<String> {
    let Shape { unique, behind, columns } = shape;
    let is_constraint = suffix != "idx";
    let columns = if suffix == "pkey" { &[][..] } else { columns };
    let own = |partition: &str| given(partition.rsplit('.').next().unwrap_or(partition), columns, suffix);
    let parents: Vec<_> = partitions.iter().rev().filter(|one| !one.is_leaf).collect();
    let mut statements = Vec::new();
    // A partition that has partitions is a parent as well: its index is there before theirs are attached to it.
    for parent in parents {
        let made = more(parent, &own(&parent.name));
        statements.extend(if is_constraint {
            made
        } else {
            let own = quoted(&own(&parent.name));
            vec![format!("CREATE {unique}INDEX {own} ON ONLY {}{behind}", written(&parent.name))]
        });
    }
    for partition in partitions {
        let own_name = own(&partition.name);
        if partition.is_leaf {
            statements.push(format!(
                "CREATE {unique}INDEX CONCURRENTLY {} ON {}{behind}",
                quoted(&own_name),
                written(&partition.name)
            ));
            statements.extend(more(partition, &own_name));
        }
        let above = match partition.parent == table.key {
            true => table.beside(name),
            false => beside(&partition.parent, &own(&partition.parent)),
        };
        statements
            .push(format!("ALTER INDEX {above} ATTACH PARTITION {}", beside(&partition.name, &own_name)));
    }
    statements
}

/// A folded name as it must be written.
fn written(name: &str) -> String {
    name.split('.').map(quoted).collect::<Vec<_>>().join(".")
}

/// A name in the schema of a table.
fn beside(table: &str, name: &str) -> String {
    match table.rsplit_once('.') {
        Some((schema, _)) => format!("{}.{}", quoted(schema), quoted(name)),
        None => quoted(name),
    }
}
