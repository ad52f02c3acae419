//! Classifies a parsed statement.

use std::collections::BTreeSet;

use squawk_syntax::{
    SyntaxKind,
    ast::{AstNode as _, Stmt, WhereClause},
};

use super::{
    Class, Facts, Lock, Reason, Who, Work,
    alter_table::{alter_table, has_option},
    column::steps_otherwise,
    names::{self, fold, has, paths_of, text_of},
    names_rows::names_rows,
    objects,
};
use crate::sql::{statements, tokens};

/// The class of the first statement of `text`. Unknown to the parser: nothing is known, so nothing is claimed.
#[must_use]
pub fn classify(text: &str, facts: &Facts) -> Class {
    classify_all(text, facts).into_iter().next().unwrap_or_else(Class::unnoticed)
}

/// The class of each statement of one migration. What the migration makes itself nobody else uses yet, so
/// nothing that is done to it is felt.
#[must_use]
pub fn classify_all(text: &str, facts: &Facts) -> Vec<Class> {
    let mut classifier = Classifier::default();
    statements(text).iter().map(|statement| classifier.next(&statement.text, facts)).collect()
}

/// Classes the statements of one migration, one after the other.
#[derive(Debug, Clone, Default)]
pub struct Classifier {
    made: BTreeSet<String>,
}

impl Classifier {
    /// The class of the next statement, on the catalogue as it is before it.
    pub fn next(&mut self, text: &str, facts: &Facts) -> Class {
        let class = self.look(text, facts);
        let file = crate::sql::parse(text);
        self.made.extend(file.tree().stmts().filter_map(|tree| makes(&tree)));
        class
    }

    /// The same without going on to the next one.
    #[must_use]
    pub fn look(&self, text: &str, facts: &Facts) -> Class {
        let file = crate::sql::parse(text);
        let tree = file.tree().stmts().next().filter(|_| file.errors().is_empty());
        let Some(tree) = tree else { return Class::unnoticed() };
        let mut class = class_of(&tree, facts);
        class.locks.retain(|relation, _| !self.made.contains(relation));
        if class.subject.as_ref().is_some_and(|subject| self.made.contains(subject)) {
            class = Class { locks: class.locks, ..Class::unnoticed() };
        }
        class
    }
}

/// What the statement makes, by name. A thing that may have been there before is not made by it.
fn makes(tree: &Stmt) -> Option<String> {
    let sure = |is_unsure: bool, name: String| (!is_unsure).then_some(name);
    match tree {
        Stmt::CreateTable(create) => sure(create.if_not_exists().is_some(), names::path(create.path())),
        Stmt::CreateTableAs(create) => sure(create.if_not_exists().is_some(), names::path(create.path())),
        Stmt::CreateMaterializedView(create) => {
            sure(create.if_not_exists().is_some(), names::path(create.path()))
        }
        Stmt::CreateView(create) => sure(create.or_replace().is_some(), names::path(create.path())),
        Stmt::CreateIndex(create) => {
            let name = create.name().map(|name| fold(&text_of(&name)))?;
            sure(create.if_not_exists().is_some(), name)
        }
        Stmt::CreateType(create) => paths_of(create).into_iter().next(),
        Stmt::CreateDomain(create) => paths_of(create).into_iter().next(),
        Stmt::CreateFunction(create) => sure(create.or_replace().is_some(), names::path(create.path())),
        _ => None,
    }
}

fn class_of(tree: &Stmt, facts: &Facts) -> Class {
    let unnoticed = Class::unnoticed;
    match tree {
        Stmt::CreateTable(create) => objects::create_table(create, facts),
        Stmt::AlterTable(alter) => alter_table(alter, facts),
        Stmt::DropTable(_) => {
            let class = on_each(&paths_of(tree), Lock::AccessExclusive).contract();
            let parents: Vec<_> =
                paths_of(tree).iter().flat_map(|table| facts.parents_of(table)).cloned().collect();
            unless_cascade(class.and_on_each(&parents, Lock::AccessExclusive), tree)
        }
        Stmt::Truncate(truncate) => {
            let tables = truncate.table_list().into_iter().flat_map(|list| list.relation_names());
            let tables: Vec<_> = tables.map(|name| names::relation(Some(name))).collect();
            on_each(&tables, Lock::AccessExclusive).doing(Work::Rewrite).backfill().refused(Reason::Empties)
        }
        Stmt::CreateIndex(create) => {
            let table = names::relation(create.relation_name());
            let is_only = create.relation_name().is_some_and(|name| name.only_token().is_some());
            let class = if is_only && facts.partitions.contains_key(&table) {
                // A parent has no rows of its own.
                Class::on(&table, Lock::Share)
            } else if create.concurrently_token().is_some() {
                Class::on(&table, Lock::ShareUpdateExclusive).doing(Work::IndexBuild)
            } else {
                Class::on(&table, Lock::Share).doing(Work::IndexBuild).refused(Reason::IndexBuild)
            };
            if create.unique_token().is_some() { class.felt_by(Who::Writers).contract() } else { class }
        }
        Stmt::DropIndex(drop) => {
            let indexes = paths_of(tree);
            let tables: Vec<_> =
                indexes.iter().filter_map(|index| facts.indexes.get(index)).cloned().collect();
            let (lock, is_short) = match drop.concurrently_token() {
                Some(_) => (Lock::ShareUpdateExclusive, true),
                None => (Lock::AccessExclusive, false),
            };
            let class = on_each(&indexes, lock).and_on_each(&tables, lock).contract();
            if is_short { class } else { class.refused(Reason::Concurrently) }
        }
        Stmt::Reindex(reindex) => {
            let name = names::path(reindex.path());
            let table = facts.indexes.get(&name).cloned().unwrap_or(name.clone());
            if has_anywhere(tree, SyntaxKind::CONCURRENTLY_KW) {
                return on_each(&[name, table], Lock::ShareUpdateExclusive).doing(Work::IndexBuild);
            }
            let class = Class::on(&table, Lock::Share).doing(Work::IndexBuild).refused(Reason::Concurrently);
            if name == table { class } else { class.and_on(&name, Lock::AccessExclusive) }
        }
        Stmt::AlterIndex(alter) => {
            let index = names::path(alter.path());
            let class = Class::on(&index, Lock::ShareUpdateExclusive);
            // A constraint is called like its index, and ON CONFLICT may name it.
            let is_plain = facts.indexes.contains_key(&index) && !facts.constraints.contains(&index);
            if is_renamed(tree) && !is_plain { class.felt_by(Who::Writers).contract() } else { class }
        }
        Stmt::Cluster(cluster) => Class::on(&names::path(cluster.path()), Lock::AccessExclusive)
            .doing(Work::Rewrite)
            .refused(Reason::Rewrite),
        // Without a table's name it is about all of them.
        Stmt::Vacuum(_) if tokens(&text_of(tree)).iter().any(|token| token.is("full")) => {
            on_each(&tables_of(tree), Lock::AccessExclusive).doing(Work::Rewrite).refused(Reason::Rewrite)
        }
        Stmt::Vacuum(_) | Stmt::Analyze(_) => on_each(&tables_of(tree), Lock::ShareUpdateExclusive),
        Stmt::CreateTrigger(create) => {
            let table = names::path(create.on_table().and_then(|on| on.path()));
            Class::on(&table, Lock::ShareRowExclusive).felt_by(Who::Writers)
        }
        Stmt::DropTrigger(drop) => {
            hanging(&names::path(drop.on_table().and_then(|on| on.path())), Who::Writers)
        }
        Stmt::CreateRule(create) => hanging(&names::path(create.path()), Who::Writers),
        Stmt::DropRule(drop) => hanging(&names::path(drop.on_table().and_then(|on| on.path())), Who::Writers),
        Stmt::CreatePolicy(create) => {
            hanging(&names::path(create.on_table().and_then(|on| on.path())), Who::Readers)
        }
        Stmt::AlterPolicy(alter) => {
            hanging(&names::path(alter.on_table().and_then(|on| on.path())), Who::Readers)
        }
        Stmt::DropPolicy(drop) => {
            hanging(&names::path(drop.on_table().and_then(|on| on.path())), Who::Readers)
        }
        Stmt::CreateView(create) => objects::create_view(create, facts),
        Stmt::DropView(_) | Stmt::DropMaterializedView(_) => {
            unless_cascade(on_each(&paths_of(tree), Lock::AccessExclusive).contract(), tree)
        }
        Stmt::Refresh(refresh) => objects::refresh(refresh),
        Stmt::AlterType(alter) => objects::alter_type(alter),
        Stmt::AlterDomain(alter) => objects::alter_domain(alter, facts),
        Stmt::AlterSchema(_) if has_anywhere(tree, SyntaxKind::RENAME_KW) => {
            unnoticed().contract().refused(Reason::OldName)
        }
        Stmt::CreateFunction(create) if create.or_replace().is_some() => unnoticed().felt_by(Who::Readers),
        Stmt::Update(update) => {
            changes(&names::relation(update.relation_name()), update.where_clause(), facts)
        }
        Stmt::Delete(delete) => {
            changes(&names::relation(delete.relation_name()), delete.where_clause(), facts)
        }
        Stmt::Merge(_) => unnoticed().backfill().refused(Reason::Unbatched),
        Stmt::Insert(insert) if insert.values().is_some() => {
            Class::on(&names::path(insert.path()), Lock::RowExclusive)
        }
        Stmt::Insert(insert) => {
            Class::on(&names::path(insert.path()), Lock::RowExclusive).doing(Work::Scan).backfill()
        }
        Stmt::Lock(lock) => {
            let tables = lock.table_list().into_iter().flat_map(|list| list.relation_names());
            let tables: Vec<_> = tables.map(|name| names::relation(Some(name))).collect();
            on_each(&tables, Lock::AccessExclusive)
        }
        Stmt::CommentOn(comment) if has(comment, SyntaxKind::TABLE_KW) => {
            Class::on(&names::path(comment.path()), Lock::ShareUpdateExclusive)
        }
        Stmt::AlterSequence(alter) => {
            let class = Class::on(&names::path(alter.path()), Lock::ShareRowExclusive);
            if is_renamed(tree) || steps_otherwise(tree.syntax()) {
                class.felt_by(Who::Writers).contract()
            } else {
                class
            }
        }
        Stmt::AlterView(_) if has_option(&text_of(tree)) => unnoticed().felt_by(Who::Readers).contract(),
        Stmt::AlterView(_)
        | Stmt::AlterMaterializedView(_)
        | Stmt::AlterForeignTable(_)
        | Stmt::AlterFunction(_)
        | Stmt::AlterProcedure(_)
        | Stmt::AlterRoutine(_)
        | Stmt::AlterAggregate(_)
            if is_renamed(tree) =>
        {
            unnoticed().felt_by(Who::Readers).contract()
        }
        Stmt::Revoke(_) => unnoticed().contract(),
        _ if text_of(tree).to_uppercase().starts_with("DROP ") => {
            unless_cascade(unnoticed().contract(), tree)
        }
        _ => unnoticed(),
    }
}

fn on_each(relations: &[String], lock: Lock) -> Class {
    relations
        .iter()
        .map(|relation| Class::on(relation, lock))
        .reduce(Class::with)
        .unwrap_or_else(Class::unnoticed)
}

/// Rules, policies and triggers: what they change is felt without the code changing.
fn hanging(table: &str, who: Who) -> Class {
    Class::on(table, Lock::AccessExclusive).felt_by(who).contract()
}

/// Some rows that are named by their key, or any number of them.
fn changes(table: &str, condition: Option<WhereClause>, facts: &Facts) -> Class {
    let condition = condition.and_then(|clause| clause.expr()).map(|expr| text_of(&expr)).unwrap_or_default();
    let class = Class::on(table, Lock::RowExclusive).backfill();
    match facts.keys.get(table).is_some_and(|keys| names_rows(&condition, keys)) {
        true => class,
        false => class.doing(Work::Scan).refused(Reason::Unbatched),
    }
}

fn unless_cascade(class: Class, tree: &Stmt) -> Class {
    if has_anywhere(tree, SyntaxKind::CASCADE_KW) { class.refused(Reason::Cascade) } else { class }
}

/// Whether code has to call it by another name from then on.
fn is_renamed(tree: &Stmt) -> bool {
    let text = text_of(tree).to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let has = |one: &str, two: &str| words.windows(2).any(|pair| pair[0] == one && pair[1] == two);
    has_anywhere(tree, SyntaxKind::RENAME_KW) || has("set", "schema")
}

fn has_anywhere(tree: &Stmt, keyword: SyntaxKind) -> bool {
    tree.syntax().descendants_with_tokens().any(|element| element.kind() == keyword)
}

fn tables_of(tree: &Stmt) -> Vec<String> {
    let relations = tree.syntax().descendants().filter_map(squawk_syntax::ast::RelationName::cast);
    relations.map(|name| names::relation(Some(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_migration_makes_itself_raises_no_alarm() {
        let text =
            "CREATE TABLE app.orders (id bigint, region text, customer bigint REFERENCES customers (id));
                    CREATE INDEX orders_region ON app.orders (region);
                    ALTER TABLE app.orders ADD CHECK (id > 0), ALTER COLUMN region SET NOT NULL;
                    UPDATE app.orders SET region = 'eu';
                    DROP INDEX orders_region;
                    CREATE INDEX customers_name ON customers (name);";
        let classes = classify_all(text, &Facts::default());
        let refused: Vec<_> = classes.iter().map(|class| class.refused).collect();
        assert_eq!(refused, [None, None, None, None, None, Some(Reason::IndexBuild)]);
        assert_eq!(classes[0].locks["customers"], Lock::ShareRowExclusive);
        assert!(classes[1..5].iter().all(|class| class.locks.is_empty()), "{classes:?}");
    }

    #[test]
    fn a_table_that_may_have_been_there_is_not_ones_own() {
        let text = "CREATE TABLE IF NOT EXISTS t (a int); CREATE INDEX i ON public.t (a)";
        assert_eq!(classify_all(text, &Facts::default())[1].refused, Some(Reason::IndexBuild));
    }

    #[test]
    fn the_worst_of_several_actions_counts() {
        let class = classify(
            "ALTER TABLE t ADD COLUMN a int, ADD CONSTRAINT u UNIQUE (b), DROP COLUMN c",
            &Facts::default(),
        );
        assert_eq!((class.refused, class.work), (Some(Reason::IndexBuild), Work::IndexBuild));
        assert_eq!(class.locks["t"], Lock::AccessExclusive);
    }
}
