//! Which migrations to apply, from the files and the database. Pure.

use crate::{
    Applied, Migration,
    apart::Related,
    class::{Facts, Phase},
    phases::{may_pass, phase},
};

/// Why nothing may be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An applied migration was changed afterwards.
    #[error(
        "migrations/{name}/up.sql was changed after it was applied:\n{difference}restore the applied text and \
         write the change as a new migration; if the database is correct as it is, accept the file: migrate \
         repair"
    )]
    Edited {
        /// The folder's name.
        name: String,
        /// Line by line, `-` applied, `+` now.
        difference: String,
    },
    /// A pending migration is older than an applied one.
    #[error(
        "migrations/{name} is older than the applied {newest}: databases would get them in different orders; \
         give its directory a later time, or, if the order does not matter, run: migrate up --out-of-order"
    )]
    OutOfOrder {
        /// The pending one.
        name: String,
        /// The newest applied one.
        newest: String,
    },
    /// A migration was asked for by a name that none has.
    #[error("there is no migrations/{name}; migrate status lists the migrations")]
    NotThere {
        /// The name.
        name: String,
    },
    /// What `metadata.toml` says and what its statements say do not go together.
    #[error("migrations/{name}: {problem}")]
    Unexplained {
        /// The folder's name.
        name: String,
        /// What has to be put right.
        problem: String,
    },
}

/// The migrations that are not applied yet, oldest first.
///
/// Applied ones that are not known here were made by a newer release: an older one still runs beside them.
///
/// # Errors
/// When what is applied is not what is here.
pub fn pending<'a>(
    all: &'a [Migration],
    applied: &[Applied],
    out_of_order: bool,
) -> Result<Vec<&'a Migration>, Refusal> {
    if let Some((migration, before)) = edited(all, applied).next() {
        return Err(Refusal::Edited {
            name: migration.name().to_owned(),
            difference: difference(before, migration.up()),
        });
    }
    let is_applied = |migration: &&Migration| applied.iter().any(|one| one.version == migration.version());
    let pending: Vec<&Migration> = all.iter().filter(|migration| !is_applied(migration)).collect();
    let related = Related::of(all);
    let late = pending.iter().filter(|migration| !may_be_late(&related, migration, all, applied));
    let first =
        late.filter_map(|migration| Some((migration, newest_beside(migration, all, applied)?))).next();
    if let (Some((first, newest)), false) = (first, out_of_order) {
        let newest = newest.name.clone().unwrap_or_else(|| newest.version.clone());
        return Err(Refusal::OutOfOrder { name: first.name().to_owned(), newest });
    }
    Ok(pending)
}

/// The newest applied one that is newer and of the same series: the application's own, or its library's. A library's new
/// release may bring what is older than the application's last.
fn newest_beside<'a>(
    migration: &Migration,
    all: &[Migration],
    applied: &'a [Applied],
) -> Option<&'a Applied> {
    let is_beside = |one: &&Applied| {
        let known = all.iter().find(|known| known.version() == one.version);
        known.is_none_or(|known| known.is_library() == migration.is_library())
    };
    let newer = applied.iter().filter(|one| one.version > migration.version()).filter(is_beside);
    newer.max_by_key(|one| one.version.clone())
}

/// One of a later phase waits while others go on. It may come behind those that may pass it: the schema is the
/// same in either order.
fn may_be_late(related: &Related, migration: &Migration, all: &[Migration], applied: &[Applied]) -> bool {
    let of = |one: &Migration| phase(one, &Facts::default());
    of(migration) != Phase::Expand
        && applied.iter().filter(|one| one.version > migration.version()).all(|one| {
            let known = all.iter().find(|known| known.version() == one.version);
            known.is_some_and(|known| may_pass(related, known, of(known), migration, of(migration)))
        })
}

/// Applied migrations whose text differs, each with the text that was applied.
pub(crate) fn edited<'a>(
    all: &'a [Migration],
    applied: &'a [Applied],
) -> impl Iterator<Item = (&'a Migration, &'a str)> {
    all.iter().filter_map(|migration| {
        let before = applied.iter().find(|one| one.version == migration.version())?.up_sql.as_deref()?;
        (same_line_ends(before) != same_line_ends(migration.up())).then_some((migration, before))
    })
}

fn same_line_ends(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn difference(before: &str, now: &str) -> String {
    let (before, now) = (same_line_ends(before), same_line_ends(now));
    similar::TextDiff::from_lines(&before, &now)
        .iter_all_changes()
        .filter(|change| change.tag() != similar::ChangeTag::Equal)
        .map(|change| format!("    {}{}\n", change.tag(), change.value().trim_end()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane() -> Vec<Migration> {
        ["1_a", "2_b", "3_c"].iter().map(|name| Migration::new(*name, "SELECT 1;\nSELECT 2;\n", "")).collect()
    }

    fn applied(version: &str, up_sql: Option<&str>) -> Applied {
        Applied {
            version: version.to_owned(),
            name: None,
            up_sql: up_sql.map(str::to_owned),
            at: String::new(),
        }
    }

    fn names(found: &[&Migration]) -> Vec<String> {
        found.iter().map(|migration| migration.name().to_owned()).collect()
    }

    #[test]
    fn what_is_not_applied_is_pending() {
        let lane = lane();
        assert_eq!(names(&pending(&lane, &[], false).unwrap()), ["1_a", "2_b", "3_c"]);
        let some = [applied("1", None), applied("2", Some("SELECT 1;\r\nSELECT 2;\r\n"))];
        assert_eq!(names(&pending(&lane, &some, false).unwrap()), ["3_c"]);
    }

    #[test]
    fn an_older_release_starts_on_a_newer_schema() {
        let newer = ["1", "2", "3", "4"].map(|version| applied(version, None));
        assert!(pending(&lane(), &newer, false).unwrap().is_empty());
    }

    #[test]
    fn a_late_comer_is_refused_unless_the_order_does_not_matter() {
        let (lane, some) = (lane(), [applied("1", None), applied("3", None)]);
        let refused = pending(&lane, &some, false).unwrap_err();
        assert_eq!(refused, Refusal::OutOfOrder { name: "2_b".to_owned(), newest: "3".to_owned() });
        assert_eq!(names(&pending(&lane, &some, true).unwrap()), ["2_b"]);
    }

    #[test]
    fn a_library_has_an_order_of_its_own() {
        let mut lane = lane();
        lane[1] = lane[1].clone().into_library();
        // The application's third was there before the library's second was released, and the other way round.
        assert_eq!(
            names(&pending(&lane, &[applied("1", None), applied("3", None)], false).unwrap()),
            ["2_b"]
        );
        lane[2] = lane[2].clone().into_library();
        assert_eq!(names(&pending(&lane, &[applied("3", None)], true).unwrap()), ["1_a", "2_b"]);
        let refused = pending(&lane, &[applied("1", None), applied("3", None)], false).unwrap_err();
        assert_eq!(refused, Refusal::OutOfOrder { name: "2_b".to_owned(), newest: "3".to_owned() });
    }

    #[test]
    fn a_contract_may_come_behind_what_has_nothing_in_common_with_it() {
        let texts = ["DROP TABLE old", "CREATE TABLE a (n int)", "ALTER TABLE old ADD COLUMN n int"];
        let lane: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(place, up)| Migration::new(format!("{}_m", place + 1), *up, ""))
            .collect();
        assert_eq!(names(&pending(&lane[..2], &[applied("2", None)], false).unwrap()), ["1_m"]);
        assert!(pending(&lane, &[applied("2", None), applied("3", None)], false).is_err());
    }

    #[test]
    fn an_edited_one_is_shown_line_by_line() {
        let refused = pending(&lane(), &[applied("1", Some("SELECT 0;\nSELECT 2;\n"))], true).unwrap_err();
        let shown = refused.to_string();
        assert!(shown.contains("migrations/1_a/up.sql was changed"), "{shown}");
        assert!(shown.contains("    -SELECT 0;\n    +SELECT 1;\n") && !shown.contains("SELECT 2"), "{shown}");
    }
}
