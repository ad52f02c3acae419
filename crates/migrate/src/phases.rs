//! Which pending migrations belong to a phase, and whether they may run without the others. Pure.

use std::collections::BTreeSet;

use squawk_syntax::{
    SourceFile, SyntaxKind,
    ast::{AstNode as _, Path},
};

use crate::{
    Migration,
    class::{Classifier, Facts, Phase},
    sql::statements,
};

/// The phase of a migration: as declared, or else the latest of its statements'.
#[must_use]
pub fn phase(migration: &Migration, facts: &Facts) -> Phase {
    let mut classifier = Classifier::default();
    let classes = statements(migration.up());
    let inferred = classes.iter().map(|statement| classifier.next(&statement.text, facts).phase).max();
    migration.metadata().phase.or(inferred).unwrap_or(Phase::Expand)
}

/// Those of `pending` that belong to `phase` and have nothing in common with one of another phase before them:
/// whether they run before or after it, the schema is the same. Also the names of those that must wait for such.
#[must_use]
pub fn of_phase<'a>(
    pending: Vec<&'a Migration>,
    wanted: Phase,
    facts: &Facts,
) -> (Vec<&'a Migration>, Vec<&'a Migration>) {
    let (mut now, mut blocked, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for migration in pending {
        let apart = skipped.iter().all(|earlier: &&Migration| are_apart(earlier, migration));
        let belongs = phase(migration, facts) == wanted;
        if belongs && apart {
            now.push(migration);
            continue;
        }
        if belongs {
            blocked.push(migration);
        }
        skipped.push(migration);
    }
    (now, blocked)
}

/// Whether the two name nothing in common, so that their order does not matter.
#[must_use]
pub fn are_apart(one: &Migration, other: &Migration) -> bool {
    match (names(one.up()), names(other.up())) {
        (Some(one), Some(other)) => one.is_disjoint(&other),
        _ => false,
    }
}

/// Every name that a script uses, or nothing when it runs code that may use any.
fn names(text: &str) -> Option<BTreeSet<String>> {
    if statements(text).iter().any(|statement| crate::check::is_opaque(&statement.text)) {
        return None;
    }
    let file = SourceFile::parse(text);
    // Types are named too, but only those that somebody made.
    let is_built_in = |path: &Path| {
        path.syntax().parent().is_some_and(|parent| parent.kind() == SyntaxKind::PATH_TYPE)
            && BUILT_IN.contains(&path.syntax().text().to_string().to_lowercase().as_str())
    };
    let paths = file.tree().syntax().descendants().filter_map(Path::cast).filter(|path| !is_built_in(path));
    let last =
        |path: Path| path.segment().map(|segment| crate::class::fold(&crate::class::text_of(&segment)));
    Some(paths.filter_map(last).filter(|name| name != "public").collect())
}

const BUILT_IN: &[&str] = &[
    "bigint",
    "bigserial",
    "bool",
    "boolean",
    "bytea",
    "cidr",
    "date",
    "decimal",
    "double",
    "float4",
    "float8",
    "inet",
    "int",
    "int2",
    "int4",
    "int8",
    "integer",
    "interval",
    "json",
    "jsonb",
    "money",
    "numeric",
    "real",
    "serial",
    "smallint",
    "smallserial",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "tsvector",
    "uuid",
    "varchar",
    "xml",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(texts: &[&str]) -> Vec<Migration> {
        texts
            .iter()
            .enumerate()
            .map(|(place, up)| Migration::new(format!("{}_m", place + 1), *up, ""))
            .collect()
    }

    fn chosen(texts: &[&str], wanted: Phase) -> (Vec<String>, Vec<String>) {
        let all = lane(texts);
        let (now, blocked) = of_phase(all.iter().collect(), wanted, &Facts::default());
        let names = |found: Vec<&Migration>| found.iter().map(|one| one.version()).collect();
        (names(now), names(blocked))
    }

    const MIXED: &[&str] = &[
        "ALTER TABLE a ADD COLUMN n int",
        "ALTER TABLE a DROP COLUMN o",
        "ALTER TABLE b ADD COLUMN n int",
        "ALTER TABLE a ADD COLUMN o text",
        "CREATE TABLE c (a_id bigint, at timestamptz)",
        "DO $$ BEGIN NULL; END $$",
    ];

    #[test]
    fn what_has_nothing_in_common_with_the_skipped_goes_first() {
        let expected = (["1", "3", "5"].map(str::to_owned).to_vec(), ["4", "6"].map(str::to_owned).to_vec());
        assert_eq!(chosen(MIXED, Phase::Expand), expected);
    }

    #[test]
    fn a_contract_waits_for_the_expand_before_it() {
        assert_eq!(chosen(MIXED, Phase::Contract), (vec![], vec!["2".to_owned()]));
        assert_eq!(chosen(&MIXED[1..3], Phase::Contract), (vec!["1".to_owned()], vec![]));
    }
}
