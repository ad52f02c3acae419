//! Materialized views that are refreshed without blocking readers.

use squawk_syntax::ast::{AstNode as _, Refresh};

use super::{
    Instead, Part,
    instead::advice,
    like,
    names::{given, quoted},
};
use crate::class::{Facts, MaterializedFacts, fold, path, text_of};

/// Concurrently where Postgres can; else a new one is filled, which then takes the old one's name.
pub(crate) fn refresh(refresh: &Refresh, facts: &Facts) -> Instead {
    let Some(written) = refresh.path().map(|path| text_of(&path)) else { return advice("name the view") };
    let view = path(refresh.path());
    let Some(known) = facts.materialized.get(&view) else {
        return advice("the view does not exist yet; put this into a migration of its own");
    };
    if refresh.with_no_data().is_some() {
        return advice("drop it when no code needs it; once it is empty, every reader fails");
    }
    if known.is_unique {
        let text = text_of(refresh);
        let start = refresh.syntax().text_range().start();
        let Some(keyword) = refresh.view_token() else { return advice("write CONCURRENTLY after VIEW") };
        let end = usize::from(keyword.text_range().end() - start);
        let rest = text[end..].trim_end_matches(';');
        return Instead::Statements(vec![format!("{} CONCURRENTLY{rest}", &text[..end])]);
    }
    if !known.used_by.is_empty() {
        return Instead::Advice(format!(
            "give it a unique index (CREATE UNIQUE INDEX CONCURRENTLY …), then refresh it CONCURRENTLY; a new one \
             cannot take its place, because these hang on it: {}",
            known.used_by.join(", ")
        ));
    }
    Instead::Series(swapped(&written, known))
}

fn swapped(written: &str, known: &MaterializedFacts) -> Vec<Part> {
    let (schema, bare) = written.rsplit_once('.').map_or(("", written), |(schema, bare)| (schema, bare));
    let beside =
        |name: &str| if schema.is_empty() { quoted(name) } else { format!("{schema}.{}", quoted(name)) };
    let new_name = |name: &str| given(name, &[], "new");
    let view = fold(bare);
    let new = beside(&new_name(&view));
    let mut build = vec![format!("CREATE MATERIALIZED VIEW {new} AS{}", known.definition)];
    let mut swap = vec![
        like::materialized(written, &new),
        format!("DROP MATERIALIZED VIEW {written}"),
        format!("ALTER MATERIALIZED VIEW {new} RENAME TO {}", quoted(&view)),
    ];
    for index in &known.indexes {
        let unique = if index.is_unique { "UNIQUE " } else { "" };
        let name = new_name(&index.name);
        build.push(format!("CREATE {unique}INDEX {} ON {new}{}", quoted(&name), index.columns));
        swap.push(format!("ALTER INDEX {} RENAME TO {}", beside(&name), quoted(&index.name)));
    }
    vec![
        Part {
            suffix: "build",
            up: build,
            down: vec![format!("DROP MATERIALIZED VIEW {new}")],
            in_transaction: true,
            ..Part::default()
        },
        Part {
            suffix: "swap",
            up: swap,
            in_transaction: true,
            expands: Some("the new view takes the old one's name in the same transaction"),
            ..Part::default()
        },
    ]
}
