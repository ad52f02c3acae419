//! Restricts a statement to a range of rows. Pure.

use squawk_syntax::{
    SourceFile,
    ast::{AstNode, Column, RelationName, SetColumn, SetColumnList, Stmt, WhereClause},
};

use super::{key::Key, reads::Reads};
use crate::class::{fold, text_of};

/// An UPDATE or DELETE, ready to be cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batched {
    /// Up to its condition.
    head: String,
    condition: Option<String>,
    /// The table, as it is written.
    pub(crate) table: String,
    /// How its columns are named in the statement.
    alias: String,
    /// Columns that it sets.
    pub(crate) assigned: Vec<String>,
    pub(crate) is_delete: bool,
    /// What decides whether a part of the rows comes to the same as all of them.
    pub(crate) reads: Reads,
    /// Whether each row it meets is gone afterwards, and no other table decides which.
    is_plain_delete: bool,
}

impl Batched {
    /// Nothing when it is another kind of statement. Whether one of these comes to the same in batches,
    /// [`walk`](super::walk) says.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let file = SourceFile::parse(text);
        if !file.errors().is_empty() {
            return None;
        }
        match file.tree().stmts().next()? {
            Stmt::Update(update) => {
                let columns = update.set_clause().and_then(|set| set.set_column_list());
                let assigned =
                    columns.iter().flat_map(SetColumnList::set_columns).flat_map(|set| assigned(&set));
                let alias = update.alias().and_then(|alias| alias.name());
                let alias = alias.map(|name| text_of(&name));
                let own = Self::new(text, &update.relation_name()?, alias, update.where_clause().as_ref());
                let assigned: Vec<String> = assigned.collect();
                let reads =
                    Reads::of(update.syntax(), update.set_clause().as_ref(), own.condition.as_deref());
                Some(Self { assigned, reads, ..own })
            }
            Stmt::Delete(delete) => {
                let alias = delete.alias().and_then(|alias| alias.name());
                let alias = alias.map(|name| text_of(&name));
                let own = Self::new(text, &delete.relation_name()?, alias, delete.where_clause().as_ref());
                let is_plain_delete = delete.using_clause().is_none() && delete.with_clause().is_none();
                let reads = Reads::of(delete.syntax(), None, own.condition.as_deref());
                Some(Self { is_plain_delete, is_delete: true, reads, ..own })
            }
            _ => None,
        }
    }

    fn new(text: &str, table: &RelationName, alias: Option<String>, condition: Option<&WhereClause>) -> Self {
        let written = text_of(table);
        let bare = table.path().and_then(|path| path.segment()).map(|segment| text_of(&segment));
        let (head, condition) = match condition {
            Some(clause) => {
                let start = usize::from(clause.syntax().text_range().start());
                (&text[..start], clause.expr().map(|expr| text_of(&expr)))
            }
            None => (text, None),
        };
        Self {
            head: head.trim_end().to_owned(),
            condition,
            alias: alias.or(bare).unwrap_or_else(|| written.clone()),
            table: written,
            assigned: Vec::new(),
            is_delete: false,
            reads: Reads::default(),
            is_plain_delete: false,
        }
    }

    /// Its own condition.
    pub(super) fn condition(&self) -> &str {
        self.condition.as_deref().unwrap_or_default()
    }

    /// The statement for the rows behind `$1…` and, with `has_end`, up to those that follow.
    pub(crate) fn within(&self, key: &Key, has_start: bool, has_end: bool) -> String {
        let mut conditions: Vec<String> = self.condition.iter().map(|own| format!("({own}\n)")).collect();
        let mut next = 1;
        if has_start {
            conditions.push(format!("{} > {}", key.row(&self.alias), key.parameters(next)));
            next += key.columns.len();
        }
        if has_end {
            conditions.push(format!("{} <= {}", key.row(&self.alias), key.parameters(next)));
        }
        if conditions.is_empty() {
            return self.head.clone();
        }
        format!("{}\nWHERE {}", self.head, conditions.join(" AND "))
    }

    /// The statement for any `size` of the rows that are left, where there is no key. Only what is deleted is not
    /// met again.
    pub(crate) fn without_key(&self, size: u64) -> Option<String> {
        let own = self.condition.as_ref().map(|own| format!("WHERE ({own}\n)")).unwrap_or_default();
        let (table, alias) = (&self.table, &self.alias);
        self.is_plain_delete.then(|| {
            format!(
                "{}\nWHERE {alias}.ctid = ANY (ARRAY(SELECT {alias}.ctid FROM {table} AS {alias} {own} LIMIT {size}))",
                self.head
            )
        })
    }

    /// Asks for the key of the last of `size` rows behind `$1…`; no row when there are fewer.
    pub(crate) fn end_of(&self, key: &Key, has_start: bool, size: u64) -> String {
        let condition = match has_start {
            true => format!("WHERE {} > {}", key.row("batch"), key.parameters(1)),
            false => String::new(),
        };
        let texts: Vec<_> = key.quoted("batch").map(|column| format!("{column}::text")).collect();
        let order: Vec<_> = key.quoted("batch").collect();
        format!(
            "SELECT {} FROM {} AS batch {condition} ORDER BY {} OFFSET {} LIMIT 1",
            texts.join(", "),
            self.table,
            order.join(", "),
            size.saturating_sub(1)
        )
    }
}

fn assigned(set: &SetColumn) -> Vec<String> {
    let name = |column: Column| fold(&text_of(&column));
    match set {
        SetColumn::SetSingleColumn(one) => one.column().map(name).into_iter().collect(),
        SetColumn::SetMultipleColumns(more) => {
            more.column_list().into_iter().flat_map(|list| list.columns()).map(name).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(columns: &[(&str, &str)]) -> Key {
        Key { columns: columns.iter().map(|(name, ty)| ((*name).to_owned(), (*ty).to_owned())).collect() }
    }

    #[test]
    fn a_condition_of_its_own_stays_whole() {
        let found =
            Batched::of("UPDATE app.orders AS o SET region = c.region FROM c WHERE o.c = c.id OR c.any")
                .unwrap();
        assert_eq!(found.assigned, ["region"]);
        assert_eq!(
            found.within(&key(&[("id", "bigint")]), true, true),
            "UPDATE app.orders AS o SET region = c.region FROM c\nWHERE (o.c = c.id OR c.any\n) \
             AND (o.\"id\") > ($1::text::bigint) AND (o.\"id\") <= ($2::text::bigint)"
        );
    }

    #[test]
    fn a_key_of_two_columns_is_compared_as_a_row() {
        let found = Batched::of("DELETE FROM public.\"Old\"").unwrap();
        let key = key(&[("a", "integer"), ("b", "text")]);
        assert_eq!(
            found.within(&key, false, true),
            "DELETE FROM public.\"Old\"\nWHERE (\"Old\".\"a\", \"Old\".\"b\") <= ($1::text::integer, $2::text::text)"
        );
        assert_eq!(found.within(&key, false, false), "DELETE FROM public.\"Old\"");
        assert_eq!(
            found.end_of(&key, true, 500),
            "SELECT batch.\"a\"::text, batch.\"b\"::text FROM public.\"Old\" AS batch \
             WHERE (batch.\"a\", batch.\"b\") > ($1::text::integer, $2::text::text) \
             ORDER BY batch.\"a\", batch.\"b\" OFFSET 499 LIMIT 1"
        );
    }

    #[test]
    fn what_cannot_be_cut_is_left_alone() {
        for text in ["SELECT 1", "INSERT INTO t SELECT 1", "FROBNICATE t"] {
            assert_eq!(Batched::of(text), None, "{text}");
        }
        assert_eq!(Batched::of("UPDATE t SET (a, b) = (1, 2), c = 3").unwrap().assigned, ["a", "b", "c"]);
    }
}
