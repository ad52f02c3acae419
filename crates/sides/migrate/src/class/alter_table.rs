//! `ALTER TABLE`, action by action.

use squawk_syntax::{
    SyntaxKind,
    ast::{AlterTable, AlterTableAction, AstNode as _, AttachPartition, Constraint, DetachPartition},
};

use super::{
    Class, Facts, Lock, Reason, Who, Work, column, constraint,
    names::{self, fold, has, paths_of, text_of},
};

pub(crate) fn alter_table(alter: &AlterTable, facts: &Facts) -> Class {
    let table = names::relation(alter.relation_name());
    let classes = alter.actions().map(|action| one(&table, &action, facts));
    let class = classes.reduce(Class::with).unwrap_or_else(|| Class::on(&table, Lock::AccessExclusive));
    if is_parent_alone(alter, &table, facts) {
        return Class { work: Work::Nothing, refused: None, ..class };
    }
    class
}

/// An index of a parent without its partitions has no rows to be made of.
fn is_parent_alone(alter: &AlterTable, table: &str, facts: &Facts) -> bool {
    let is_index = |action: AlterTableAction| match action {
        AlterTableAction::AddConstraint(add) => matches!(
            add.constraint(),
            Some(Constraint::UniqueConstraint(_) | Constraint::PrimaryKeyConstraint(_))
        ),
        _ => false,
    };
    let is_alone = has_anywhere(alter, SyntaxKind::ONLY_KW) && facts.partitions.contains_key(table);
    is_alone && alter.actions().all(is_index)
}

fn has_anywhere(alter: &AlterTable, keyword: SyntaxKind) -> bool {
    alter.syntax().descendants_with_tokens().any(|element| element.kind() == keyword)
}

fn one(table: &str, action: &AlterTableAction, facts: &Facts) -> Class {
    use AlterTableAction as Action;
    let exclusive = || Class::on(table, Lock::AccessExclusive);
    match action {
        Action::AddColumn(add) => column::add(table, add, facts),
        Action::AlterColumn(alter) => column::alter(table, alter, facts),
        Action::AddConstraint(add) => constraint::add(table, add),
        Action::DropColumn(drop) if drop.cascade_token().is_some() => {
            exclusive().contract().refused(Reason::Cascade)
        }
        Action::DropConstraint(drop) => {
            let name = drop.name_ref().map(|name| fold(&text_of(&name))).unwrap_or_default();
            let class = exclusive().and_on_each(facts.parent(table, &name), Lock::AccessExclusive).contract();
            if drop.cascade_token().is_some() { class.refused(Reason::Cascade) } else { class }
        }
        Action::ValidateConstraint(validate) => {
            let name = validate.name_ref().map(|name| fold(&text_of(&name))).unwrap_or_default();
            Class::on(table, Lock::ShareUpdateExclusive)
                .and_on_each(facts.parent(table, &name), Lock::RowShare)
                .doing(Work::Scan)
                .felt_by(Who::Writers)
                .contract()
        }
        Action::AttachPartition(attach) => attach_partition(table, attach, facts),
        Action::DetachPartition(detach) => detach_partition(table, detach, facts),
        Action::RenameColumn(_) | Action::RenameTo(_) | Action::SetSchema(_) => {
            exclusive().contract().refused(Reason::OldName)
        }
        Action::SetLogged(_) | Action::SetUnlogged(_) | Action::SetTablespace(_) => {
            exclusive().doing(Work::Rewrite).refused(Reason::Rewrite)
        }
        // Options of a view by which it refuses rows, or asks for other rights.
        Action::SetOptions(_) | Action::OptionItemList(_) | Action::ResetOptions(_)
            if has_option(&text_of(action)) =>
        {
            exclusive().felt_by(Who::Readers).contract()
        }
        Action::ClusterOn(_)
        | Action::SetWithoutCluster(_)
        | Action::SetOptions(_)
        | Action::OptionItemList(_)
        | Action::ResetOptions(_) => Class::on(table, Lock::ShareUpdateExclusive),
        Action::EnableTrigger(_)
        | Action::DisableTrigger(_)
        | Action::EnableAlwaysTrigger(_)
        | Action::EnableReplicaTrigger(_) => {
            Class::on(table, Lock::ShareRowExclusive).felt_by(Who::Writers).contract()
        }
        Action::EnableRls(_)
        | Action::DisableRls(_)
        | Action::ForceRls(_)
        | Action::NoForceRls(_)
        | Action::OwnerTo(_)
        | Action::EnableRule(_)
        | Action::DisableRule(_)
        | Action::EnableAlwaysRule(_)
        | Action::EnableReplicaRule(_) => exclusive().felt_by(Who::Readers).contract(),
        Action::DropColumn(_)
        | Action::RenameConstraint(_)
        // When it is checked, and what code may defer.
        | Action::AlterConstraint(_)
        | Action::NoInheritTable(_)
        // Who reads and changes the parent reads and changes its rows as well.
        | Action::InheritTable(_)
        | Action::NotOf(_) => exclusive().contract(),
        _ => exclusive(),
    }
}

/// Whether a view's option is named.
pub(super) fn has_option(text: &str) -> bool {
    let text = text.to_lowercase();
    ["check_option", "security_invoker", "security_barrier"].iter().any(|option| text.contains(option))
}

fn attach_partition(table: &str, attach: &AttachPartition, facts: &Facts) -> Class {
    let child = names::path(attach.path());
    let class = Class::on(table, Lock::ShareUpdateExclusive)
        .and_on(&child, Lock::AccessExclusive)
        .and_on_each(facts.default_partitions.get(table), Lock::AccessExclusive);
    // A valid CHECK is taken for the one that makes the scan needless: Postgres alone can compare them.
    if facts.checked.contains(&child) { class } else { class.doing(Work::Scan).refused(Reason::Scan) }
}

fn detach_partition(table: &str, detach: &DetachPartition, facts: &Facts) -> Class {
    // The parser does not always give the name a node of its own.
    let words = text_of(detach);
    let words: Vec<&str> = words.split_whitespace().collect();
    let child = paths_of(detach).pop().or_else(|| words.get(2).map(|name| fold(name))).unwrap_or_default();
    let all = detach.syntax().descendants_with_tokens();
    if has(detach, SyntaxKind::FINALIZE_KW) {
        return Class::on(table, Lock::ShareUpdateExclusive).and_on(&child, Lock::AccessExclusive).contract();
    }
    if all.into_iter().any(|element| element.kind() == SyntaxKind::CONCURRENTLY_KW) {
        return Class::on(table, Lock::ShareUpdateExclusive)
            .and_on(&child, Lock::AccessExclusive)
            .felt_by(Who::Readers)
            .contract();
    }
    Class::on(table, Lock::AccessExclusive)
        .and_on(&child, Lock::AccessExclusive)
        .and_on_each(facts.default_partitions.get(table), Lock::AccessExclusive)
        .contract()
        .refused(Reason::Concurrently)
}
