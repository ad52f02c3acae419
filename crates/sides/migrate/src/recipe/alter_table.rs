//! `ALTER TABLE`, action by action.

use squawk_syntax::{
    SyntaxKind,
    ast::{AlterColumnOption, AlterTable, AlterTableAction, AstNode as _, DetachPartition},
};

use super::{
    Instead, column, constraint,
    instead::advice,
    names::{Table, given, quoted},
    not_null, rename, type_change,
};
use crate::class::{Facts, classify, fold, text_of};

pub(crate) fn alter_table(alter: &AlterTable, facts: &Facts) -> Instead {
    let table = Table::of(alter.relation_name());
    let actions: Vec<_> = alter.actions().collect();
    if let [only] = &actions[..] {
        return one(&table, only, facts);
    }
    let mut statements = Vec::new();
    for action in &actions {
        let alone = format!("ALTER TABLE {} {}", table.written, text_of(action));
        if classify(&alone, facts).refused.is_none() {
            statements.push(alone);
            continue;
        }
        match one(&table, action, facts) {
            Instead::Statements(more) => statements.extend(more),
            Instead::Advice(text) => return Instead::Advice(text),
            _ => return Instead::Advice(format!("put `{}` in a migration of its own", text_of(action))),
        }
    }
    Instead::Statements(statements)
}

/// Postgres leaves the bounds as a CHECK on what is detached so, where the plain form leaves none.
fn detached(table: &Table, detach: &DetachPartition, facts: &Facts) -> Vec<String> {
    let mut statements = vec![format!("ALTER TABLE {} {} CONCURRENTLY", table.written, text_of(detach))];
    // The parser gives the name no node of its own.
    let text = text_of(detach);
    let Some(written) = text.split_whitespace().nth(2) else { return statements };
    let bare = fold(written.rsplit('.').next().unwrap_or(written));
    let known = facts.partitions.get(&table.key).into_iter().flatten();
    let known = known.filter(|one| one.name.rsplit('.').next() == Some(bare.as_str()));
    for columns in known.filter_map(|one| one.by.clone()) {
        let columns = if columns.len() == 1 { columns } else { Vec::new() };
        let check = quoted(&given(&bare, &columns, "check"));
        statements.push(format!("ALTER TABLE {written} DROP CONSTRAINT IF EXISTS {check}"));
    }
    statements
}

fn one(table: &Table, action: &AlterTableAction, facts: &Facts) -> Instead {
    use AlterTableAction as Action;
    match action {
        Action::AddColumn(add) => column::add(table, add, facts),
        Action::AddConstraint(add) => constraint::add(table, add, facts),
        Action::AlterColumn(alter) => {
            let name = alter.name_ref().map(|name| fold(&text_of(&name))).unwrap_or_default();
            match alter.option() {
                Some(AlterColumnOption::SetNotNull(_)) => Instead::Statements(not_null::set(table, &name)),
                Some(AlterColumnOption::SetType(to)) => {
                    let using = type_change::using(&to);
                    type_change::set_type(table, &name, &to, using.as_ref(), facts)
                }
                _ => {
                    advice("add a new column, keep it in sync with a trigger, fill it in batches, then swap")
                }
            }
        }
        Action::RenameColumn(rename) => rename::column(table, rename, facts),
        Action::RenameTo(rename) => rename::table(table, rename),
        Action::DetachPartition(detach) => {
            if facts.default_partitions.contains_key(&table.key) {
                return advice(
                    "beside a default partition Postgres cannot detach concurrently; empty the partition in \
                     batches, then detach it when traffic is low",
                );
            }
            Instead::Statements(detached(table, detach, facts))
        }
        Action::AttachPartition(_) => advice(
            "give the new partition a CHECK equal to the partition's bounds (with IS NOT NULL), NOT VALID, and \
             validate it; then attaching scans nothing",
        ),
        Action::DropColumn(_) | Action::DropConstraint(_) => {
            advice("CASCADE: drop each dependent object by its name, in its own statement")
        }
        Action::SetSchema(_) => {
            advice("create a view in the new schema, move the code, then move the table behind a view")
        }
        other
            if other.syntax().kind() == SyntaxKind::SET_LOGGED
                || other.syntax().kind() == SyntaxKind::SET_UNLOGGED =>
        {
            advice("create a new table as it should be, copy in batches with a trigger, swap the names")
        }
        _ => advice("no form of it lets others work"),
    }
}
