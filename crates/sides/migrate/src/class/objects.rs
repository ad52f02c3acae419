//! Types, domains, views and objects that depend on tables.

use squawk_syntax::{
    SyntaxKind,
    ast::{
        AlterDomain, AlterDomainAction, AlterType, AstNode as _, CreateTable, CreateView,
        ForeignKeyConstraint, ReferencesConstraint, Refresh,
    },
};

use super::{
    Class, Facts, Lock, Reason, Who, Work,
    names::{self, has},
};

pub(crate) fn create_table(create: &CreateTable, facts: &Facts) -> Class {
    let mut class = Class { subject: Some(names::path(create.path())), ..Class::unnoticed() };
    for node in create.syntax().descendants() {
        let parent = ReferencesConstraint::cast(node.clone())
            .map(|key| names::path(key.table()))
            .or_else(|| ForeignKeyConstraint::cast(node).map(|key| names::path(key.path())));
        if let Some(parent) = parent.filter(|parent| Some(parent) != class.subject.as_ref()) {
            class = class.and_on(&parent, Lock::ShareRowExclusive);
        }
    }
    if let Some(parent) = create.partition_of() {
        let parent = names::path(parent.path());
        class = class
            .and_on(&parent, Lock::AccessExclusive)
            .and_on_each(facts.default_partitions.get(&parent), Lock::AccessExclusive);
    }
    class
}

pub(crate) fn create_view(create: &CreateView, facts: &Facts) -> Class {
    let view = names::path(create.path());
    if create.or_replace().is_some() && facts.views.contains(&view) {
        return Class::on(&view, Lock::AccessExclusive).felt_by(Who::Readers).contract();
    }
    Class { subject: Some(view), ..Class::unnoticed() }
}

pub(crate) fn refresh(refresh: &Refresh) -> Class {
    let view = names::path(refresh.path());
    if refresh.concurrently_token().is_some() {
        return Class::on(&view, Lock::Exclusive).doing(Work::Scan).backfill();
    }
    Class::on(&view, Lock::AccessExclusive).doing(Work::Rewrite).backfill().refused(Reason::Concurrently)
}

pub(crate) fn alter_type(alter: &AlterType) -> Class {
    let subject = Some(names::path(alter.path()));
    let class = Class { subject, ..Class::unnoticed() }.felt_by(Who::Readers);
    if has(alter, SyntaxKind::ADD_KW) && has(alter, SyntaxKind::VALUE_KW) {
        return class;
    }
    if has(alter, SyntaxKind::VALUE_KW) || has(alter, SyntaxKind::RENAME_KW) {
        return class.contract().refused(Reason::OldName);
    }
    // An attribute of a composite type.
    Class::on(&names::path(alter.path()), Lock::AccessExclusive).felt_by(Who::Readers).contract()
}

pub(crate) fn alter_domain(alter: &AlterDomain, facts: &Facts) -> Class {
    let domain = names::path(alter.path());
    let class =
        Class { subject: Some(domain.clone()), ..Class::unnoticed() }.felt_by(Who::Writers).contract();
    let tables = facts.domains.get(&domain).into_iter().flatten();
    match alter.action() {
        Some(AlterDomainAction::AddConstraint(add)) if add.not_valid().is_some() => class,
        Some(AlterDomainAction::AddConstraint(_) | AlterDomainAction::SetNotNull(_)) => {
            class.and_on_each(tables, Lock::Share).doing(Work::Scan).refused(Reason::Scan)
        }
        // Up to Postgres 17 it holds writers up as well; there is no better way.
        Some(AlterDomainAction::ValidateConstraint(_)) => {
            class.and_on_each(tables, Lock::Share).doing(Work::Scan)
        }
        _ => class,
    }
}
