//! What a pending migration would do, as text.

use manifest::Change;

use super::shown::on_one_line;
use crate::{Planned, class::Class};

/// What a person reads about one of them.
pub(crate) fn lines(planned: &Planned) -> Vec<String> {
    let mut head = format!("{:8} {}", planned.phase.to_string(), planned.name);
    if let Some(reason) = &planned.reason {
        head.push_str(&format!("  ({reason})"));
    }
    let mut lines = vec![head];
    let statements = &planned.statements;
    lines
        .extend(statements.iter().map(|part| format!("           {}{}", part.statement, locks(&part.class))));
    lines
        .extend(planned.changes.iter().flatten().map(|change| format!("           {}", change_line(change))));
    lines.extend(planned.problems.iter().map(|problem| format!("         ! {problem}")));
    lines
}

fn locks(class: &Class) -> String {
    let locks: Vec<_> =
        class.locks.iter().map(|(relation, lock)| format!("{lock} on {}", on_one_line(relation))).collect();
    if locks.is_empty() { String::new() } else { format!("  ({})", locks.join(", ")) }
}

fn change_line(change: &Change) -> String {
    let line = match change {
        Change::AddTable { table } => format!("+ {table}"),
        Change::DropTable { table } => format!("- {table}"),
        Change::SetColumn { table, column, to } => {
            let required = if to.required { ", every INSERT must fill it" } else { "" };
            format!("+ {table}.{column} {}{required}", to.sql_type)
        }
        Change::DropColumn { table, column } => format!("- {table}.{column}"),
    };
    on_one_line(&line).into_owned()
}
