//! Constraints that are added to a table.

use squawk_syntax::{
    SyntaxKind,
    ast::{AddConstraint, AstNode as _, Constraint, ExcludeConstraint},
};

use super::{Class, Lock, Reason, Who, Work, names};

pub(crate) fn add(table: &str, add: &AddConstraint) -> Class {
    let class = match add.constraint() {
        Some(Constraint::ForeignKeyConstraint(key)) => {
            let class = Class::on(table, Lock::ShareRowExclusive)
                .and_on(&names::path(key.path()), Lock::ShareRowExclusive);
            if add.not_valid().is_some() { class } else { class.doing(Work::Scan).refused(Reason::Scan) }
        }
        Some(Constraint::UniqueConstraint(unique)) => index(table, unique.using_index().is_some()),
        Some(Constraint::PrimaryKeyConstraint(key)) => index(table, key.using_index().is_some()),
        _ if add.syntax().children().any(|child| ExcludeConstraint::can_cast(child.kind())) => {
            index(table, false)
        }
        // CHECK, and since Postgres 18 NOT NULL.
        _ => {
            let class = Class::on(table, Lock::AccessExclusive);
            // Where the parser takes NOT VALID for a part of the constraint, the word is there all the same.
            let later = add.not_valid().is_some()
                || add.syntax().descendants().any(|node| node.kind() == SyntaxKind::NOT_VALID);
            if later { class } else { class.doing(Work::Scan).refused(Reason::Scan) }
        }
    };
    class.felt_by(Who::Writers).contract()
}

fn index(table: &str, is_there: bool) -> Class {
    let class = Class::on(table, Lock::AccessExclusive);
    if is_there { class } else { class.doing(Work::IndexBuild).refused(Reason::IndexBuild) }
}
