//! Which pending migrations may run, and whether they may run without the others. Pure.

use squawk_syntax::ast::Stmt;

use crate::{
    Migration,
    apart::Related,
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

/// Those of `pending` that are wanted and have nothing in common with one before them that is not: whether they
/// run before or after it, the schema is the same. Also those that must wait for such. `all` is the whole lane.
#[must_use]
pub fn choose<'a>(
    all: &[Migration],
    pending: Vec<(&'a Migration, Phase)>,
    is_wanted: impl Fn(&Migration, Phase) -> bool,
) -> (Vec<&'a Migration>, Vec<&'a Migration>) {
    let related = Related::of(all);
    let (mut now, mut blocked, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for (migration, phase) in pending {
        let passes = skipped.iter().all(|&(earlier, of)| may_pass(&related, migration, phase, earlier, of));
        match (is_wanted(migration, phase), passes) {
            (true, true) => {
                now.push(migration);
                continue;
            }
            (true, false) => blocked.push(migration),
            (false, _) => {}
        }
        skipped.push((migration, phase));
    }
    (now, blocked)
}

/// Whether one may run before an earlier one. A backfill can take days and changes no catalogue: what only adds to
/// the catalogue passes it.
pub(crate) fn may_pass(
    related: &Related,
    migration: &Migration,
    phase: Phase,
    earlier: &Migration,
    of: Phase,
) -> bool {
    let passes_a_backfill = of == Phase::Backfill && phase == Phase::Expand && only_adds(migration);
    passes_a_backfill || related.are_apart(earlier, migration)
}

/// Whether no row is touched and no code is brought that a backfill could set off.
fn only_adds(migration: &Migration) -> bool {
    statements(migration.up()).iter().all(|statement| {
        let file = crate::sql::parse(&statement.text);
        !crate::check::is_opaque(&statement.text)
            && file.tree().stmts().all(|tree| {
                matches!(
                    tree,
                    Stmt::CreateTable(_) | Stmt::AlterTable(_) | Stmt::CreateIndex(_) | Stmt::CommentOn(_)
                )
            })
    })
}

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
        let pending = all.iter().map(|one| (one, phase(one, &Facts::default()))).collect();
        let (now, blocked) = choose(&all, pending, |_, phase| phase == wanted);
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
    fn what_only_adds_does_not_wait_for_a_backfill() {
        let texts = [
            "UPDATE a SET n = 1",
            "ALTER TABLE a ADD COLUMN p int",
            "CREATE TRIGGER x BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f()",
        ];
        let expected = (vec!["2".to_owned()], vec!["3".to_owned()]);
        assert_eq!(chosen(&texts, Phase::Expand), expected);
    }

    #[test]
    fn a_contract_waits_for_the_expand_before_it() {
        assert_eq!(chosen(MIXED, Phase::Contract), (vec![], vec!["2".to_owned()]));
        assert_eq!(chosen(&MIXED[1..3], Phase::Contract), (vec!["1".to_owned()], vec![]));
    }
}
