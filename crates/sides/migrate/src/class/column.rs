//! Columns that are added or altered.

use squawk_syntax::{
    SyntaxKind, SyntaxNode,
    ast::{AddColumn, AlterColumn, AlterColumnOption, AstNode as _, CallExpr, Constraint, SetType},
};

use super::{
    Class, Facts, Lock, Reason, Who, Work,
    names::{self, fold, text_of},
    type_change::{is_the_same, keeps_the_bytes},
};

/// Functions of Postgres that give one answer for the whole statement, so that a default needs no rewrite.
const STABLE: &[&str] =
    &["now", "transaction_timestamp", "statement_timestamp", "to_jsonb", "jsonb_build_object", "array_fill"];

pub(crate) fn add(table: &str, add: &AddColumn, facts: &Facts) -> Class {
    let mut class = Class::on(table, Lock::AccessExclusive);
    let has = |is_it: fn(&Constraint) -> bool| add.constraints().any(|one| is_it(&one));
    let has_default = has(|one| matches!(one, Constraint::DefaultConstraint(_)));
    let generated = |one: &Constraint| matches!(one, Constraint::GeneratedConstraint(_));
    // Postgres 18 has VIRTUAL beside STORED.
    let is_virtual = text_of(add).to_uppercase().ends_with("VIRTUAL");
    let volatile = add.constraints().any(|one| match one {
        Constraint::DefaultConstraint(default) => {
            default.expr().is_some_and(|expr| is_volatile(&expr, facts))
        }
        _ => false,
    });
    let serial = add.ty().is_some_and(|ty| {
        matches!(
            text_of(&ty).to_lowercase().as_str(),
            "serial" | "bigserial" | "smallserial" | "serial8" | "serial4"
        )
    });
    if volatile || serial || (has(generated) && !is_virtual) {
        class = class.doing(Work::Rewrite).refused(Reason::Rewrite);
    }
    for one in add.constraints() {
        class = match one {
            Constraint::NotNullConstraint(_) if !has_default && !serial && !has(generated) => {
                class.doing(Work::Scan).refused(Reason::FailsOnRows)
            }
            Constraint::CheckConstraint(_) => {
                class.doing(Work::Scan).refused(Reason::Scan).felt_by(Who::Writers)
            }
            Constraint::UniqueConstraint(_) | Constraint::PrimaryKeyConstraint(_) => {
                class.doing(Work::IndexBuild).refused(Reason::IndexBuild).felt_by(Who::Writers)
            }
            Constraint::ReferencesConstraint(key) => {
                let class = if has_default { class.doing(Work::Scan) } else { class };
                let class = class.and_on(&names::path(key.table()), Lock::ShareRowExclusive);
                class.refused(Reason::TwoTables).felt_by(Who::Writers)
            }
            _ => class,
        };
    }
    class
}

fn is_volatile(default: &impl squawk_syntax::ast::AstNode, facts: &Facts) -> bool {
    default.syntax().descendants().filter_map(CallExpr::cast).any(|call| {
        let name = call.expr().map(|name| fold(&text_of(&name))).unwrap_or_default();
        let name = name.trim_start_matches("pg_catalog.");
        // Without facts nothing is known of a function.
        !STABLE.contains(&name) && (facts.volatile.is_empty() || facts.volatile.contains(name))
    })
}

pub(crate) fn alter(table: &str, alter: &AlterColumn, facts: &Facts) -> Class {
    let column = alter.name_ref().map(|name| fold(&text_of(&name))).unwrap_or_default();
    let class = Class::on(table, Lock::AccessExclusive);
    let Some(option) = alter.option() else { return class };
    let has = |kind| alter.syntax().descendants_with_tokens().any(|element| element.kind() == kind);
    match option {
        AlterColumnOption::SetType(to) => set_type(class, table, &column, &to, facts),
        AlterColumnOption::SetNotNull(_) => {
            let class = class.felt_by(Who::Writers).contract();
            match facts.column(table, &column) {
                Some(known) if known.never_null => class,
                _ => class.doing(Work::Scan).refused(Reason::Scan),
            }
        }
        AlterColumnOption::DropNotNull(_) => class.felt_by(Who::Readers).contract(),
        AlterColumnOption::DropDefault(_)
        | AlterColumnOption::DropExpression(_)
        | AlterColumnOption::DropIdentity(_) => class.felt_by(Who::Writers).contract(),
        AlterColumnOption::SetDefault(_) => class.felt_by(Who::Writers),
        // Who gives a value is refused from then on, or the next values are there already.
        AlterColumnOption::SetGenerated(_)
        | AlterColumnOption::SetGeneratedOptions(_)
        | AlterColumnOption::SetSequenceOption(_)
        | AlterColumnOption::SetOptionsList(_)
        | AlterColumnOption::Restart(_)
            if has(SyntaxKind::ALWAYS_KW) || steps_otherwise(alter.syntax()) =>
        {
            class.felt_by(Who::Writers).contract()
        }
        // A sequence of its own begins before the rows that are there.
        AlterColumnOption::AddGenerated(_) if !has(SyntaxKind::START_KW) => class.refused(Reason::Restarts),
        AlterColumnOption::SetExpression(_) => {
            class.doing(Work::Rewrite).refused(Reason::Rewrite).felt_by(Who::Readers).contract()
        }
        AlterColumnOption::SetStatistics(_)
        | AlterColumnOption::SetOptions(_)
        | AlterColumnOption::ResetOptions(_) => Class::on(table, Lock::ShareUpdateExclusive),
        _ => class,
    }
}

/// Whether a sequence gives other values from then on: some that are there already, or none any more.
pub(super) fn steps_otherwise(node: &SyntaxNode) -> bool {
    let is_one = |kind| {
        [
            SyntaxKind::RESTART_KW,
            SyntaxKind::INCREMENT_KW,
            SyntaxKind::MAXVALUE_KW,
            SyntaxKind::MINVALUE_KW,
            SyntaxKind::CYCLE_KW,
            SyntaxKind::AS_KW,
            SyntaxKind::OWNER_KW,
        ]
        .contains(&kind)
    };
    node.descendants_with_tokens().any(|element| is_one(element.kind()))
}

fn set_type(class: Class, table: &str, column: &str, to: &SetType, facts: &Facts) -> Class {
    if to.collate().is_some() {
        return class.doing(Work::IndexBuild).refused(Reason::IndexBuild).felt_by(Who::Readers).contract();
    }
    let after = to.ty().map(|ty| text_of(&ty)).unwrap_or_default();
    let computed = to.syntax().parent().is_some_and(|option| {
        option.descendants_with_tokens().any(|element| element.kind() == SyntaxKind::USING_KW)
    });
    match facts.column(table, column) {
        Some(known) if !computed && is_the_same(&known.sql_type, &after) => class,
        // No row is touched, but sessions have prepared statements that answer with the old type.
        Some(known) if !computed && keeps_the_bytes(&known.sql_type, &after) => {
            class.refused(Reason::Prepared).felt_by(Who::Readers).contract()
        }
        _ => class.doing(Work::Rewrite).refused(Reason::Rewrite).felt_by(Who::Readers).contract(),
    }
}
