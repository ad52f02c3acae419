//! Renames while code uses the old name.

use squawk_syntax::ast::{AstNode as _, Name, NameRef, RenameColumn, RenameTo};

use super::{
    Instead, Part,
    instead::advice,
    like,
    names::{Table, quoted},
    not_null, series,
    sync::Sync,
};
use crate::class::{Facts, fold, text_of};

/// Add, keep both in step, fill, drop.
pub(crate) fn column(table: &Table, rename: &RenameColumn, facts: &Facts) -> Instead {
    let before = rename.syntax().children().find_map(NameRef::cast).map(|name| fold(&text_of(&name)));
    let after = rename.syntax().children().find_map(Name::cast).map(|name| fold(&text_of(&name)));
    let (Some(before), Some(after)) = (before, after) else { return advice("name both columns") };
    let known = match series::free_column(table, &before, facts) {
        Ok(known) => known,
        Err(advice) => return advice,
    };
    let sync = Sync::of(table, &after);
    let (old, new) = (quoted(&before), quoted(&after));
    let body = format!(
        "    IF TG_OP = 'INSERT' THEN
        IF NEW.{new} IS NULL THEN NEW.{new} := NEW.{old}; ELSE NEW.{old} := NEW.{new}; END IF;
    ELSIF NEW.{new} IS DISTINCT FROM OLD.{new} THEN
        NEW.{old} := NEW.{new};
    ELSIF NEW.{old} IS DISTINCT FROM OLD.{old} THEN
        NEW.{new} := NEW.{old};
    END IF;"
    );
    let mut expand = vec![format!("ALTER TABLE {} ADD COLUMN {new} {}", table.written, known.sql_type)];
    expand.extend(like::column(table, &before, &after, known, true));
    expand.extend(sync.up(&body));
    let fill = format!("UPDATE {} SET {new} = {old} WHERE {new} IS DISTINCT FROM {old}", table.written);
    let mut parts = vec![
        Part { suffix: "add", up: expand, down: series::undo(&sync, table, &new), ..Part::default() },
        Part { suffix: "fill", up: vec![fill], backfill: true, ..Part::default() },
    ];
    if known.not_null {
        let up = not_null::set(table, &after);
        let down = vec![format!("ALTER TABLE {} ALTER COLUMN {new} DROP NOT NULL", table.written)];
        parts.push(Part { suffix: "require", up, down, ..Part::default() });
    }
    let mut last = sync.down();
    last.extend(
        known
            .default
            .iter()
            .map(|default| format!("ALTER TABLE {} ALTER COLUMN {new} SET DEFAULT {default}", table.written)),
    );
    last.push(format!("ALTER TABLE {} DROP COLUMN {old}", table.written));
    parts.push(Part { suffix: "drop_old", up: last, in_transaction: true, ..Part::default() });
    Instead::Series(parts)
}

/// The old name becomes a view through which old code reads and writes.
pub(crate) fn table(table: &Table, rename: &RenameTo) -> Instead {
    let Some(after) = rename.name().map(|name| text_of(&name)) else { return advice("name the table") };
    let new = table.beside(&fold(&after));
    // Of public without its name, as it is written.
    let view = format!("CREATE VIEW {} AS SELECT * FROM {new}", table.written);
    let like = like::view(&new, &table.written);
    let back = format!("ALTER TABLE {new} RENAME TO {}", quoted(&table.bare));
    let drop = format!("DROP VIEW {}", table.written);
    let first = Part {
        suffix: "behind_a_view",
        up: vec![format!("ALTER TABLE {} RENAME TO {after}", table.written), view.clone(), like.clone()],
        down: vec![drop.clone(), back],
        in_transaction: true,
        accept: Some("the old name stays, as a view in the same transaction"),
        ..Part::default()
    };
    Instead::Series(vec![
        first,
        Part {
            suffix: "drop_view",
            up: vec![drop],
            down: vec![view, like],
            in_transaction: true,
            ..Part::default()
        },
    ])
}
