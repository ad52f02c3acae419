//! Parses the text of a `schema.rs` into tables.

use std::collections::{BTreeMap, BTreeSet};

use diesel_table_macro_syntax::TableDecl;
use syn::{Error, Item, ItemMacro, Result, spanned::Spanned as _};

use crate::sql_types::Types;

/// Macros that declare no table.
const WITHOUT_TABLES: &[&str] = &[
    "joinable",
    "allow_tables_to_appear_in_same_query",
    "allow_columns_to_appear_in_same_group_by_clause",
    "define_sql_function",
    "sql_function",
];

/// One table as the database calls it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: BTreeMap<String, String>,
}

/// The tables of a file, which must have some.
pub(crate) fn read(source: &str, foreign: &BTreeMap<String, String>) -> Result<Vec<Table>> {
    let file = syn::parse_file(source)?;
    unconditional(&file.attrs)?;
    let types = Types::of(&file.items, foreign)?;
    let mut tables = Vec::new();
    collect(&file.items, &types, &mut tables)?;
    let mut names = BTreeSet::new();
    let whole = proc_macro2::Span::call_site();
    if let Some(twice) = tables.iter().find(|table| !names.insert(&table.name)) {
        return Err(Error::new(whole, format!("the table {} is declared twice", twice.name)));
    }
    if tables.is_empty() {
        return Err(Error::new(whole, "no table is declared here; leave this file out of the manifest"));
    }
    Ok(tables)
}

fn collect(items: &[Item], types: &Types, tables: &mut Vec<Table>) -> Result<()> {
    for item in items {
        match item {
            Item::Macro(call) => tables.extend(table(call, types).map_err(|fault| within(call, &fault))?),
            Item::Mod(module) => match &module.content {
                Some((_, items)) => {
                    let before = tables.len();
                    collect(items, types, tables)?;
                    if tables.len() > before {
                        unconditional(&module.attrs)?;
                    }
                }
                None => {
                    let advice = "a module in another file is not read from here: give that file a `tables!` of \
                                  its own, and move the `mod` line out of this one";
                    return Err(Error::new(module.span(), advice));
                }
            },
            // None of these can declare a table.
            Item::Use(_)
            | Item::Struct(_)
            | Item::Enum(_)
            | Item::Impl(_)
            | Item::Type(_)
            | Item::Const(_)
            | Item::Fn(_) => {}
            other => return Err(Error::new(other.span(), "this does not belong in a schema.rs")),
        }
    }
    Ok(())
}

fn table(call: &ItemMacro, types: &Types) -> Result<Option<Table>> {
    let name = call.mac.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
    if WITHOUT_TABLES.contains(&name.as_str()) {
        return Ok(None);
    }
    if name != "table" && name != "view" {
        return Err(Error::new(call.span(), format!("whether {name}! declares tables is not known")));
    }
    unconditional(&call.attrs)?;
    let declared: TableDecl = call.mac.parse_body()?;
    unconditional(&declared.meta)?;
    not_renamed(&declared)?;
    let name = match &declared.schema {
        Some(schema) if schema != "public" => format!("{schema}.{}", declared.sql_name),
        _ => declared.sql_name.clone(),
    };
    let mut columns = BTreeMap::new();
    for column in &declared.column_defs {
        unconditional(&column.meta)?;
        let kind = types
            .postgres_name(&column.tpe)
            .map_err(|fault| Error::new(fault.span(), format!("column {}: {fault}", column.sql_name)))?;
        if columns.insert(column.sql_name.clone(), kind).is_some() {
            return Err(Error::new(column.column_name.span(), "this column is declared twice"));
        }
    }
    Ok(Some(Table { name: name.trim_start_matches("r#").to_owned(), columns }))
}

/// A fault, with the call that it is in: spans are lost between two files.
fn within(call: &ItemMacro, fault: &Error) -> Error {
    let text: String = call.mac.tokens.to_string().split_whitespace().take(6).collect::<Vec<_>>().join(" ");
    Error::new(fault.span(), format!("in `{text} …`: {fault}"))
}

/// Types are known by their own names.
fn not_renamed(declared: &TableDecl) -> Result<()> {
    let is_renamed = |tree: &syn::UseTree| quote::quote!(#tree).into_iter().any(|token| is_as(&token));
    match declared.use_statements.iter().find(|one| is_renamed(&one.tree)) {
        Some(one) => Err(Error::new(one.span(), "a type under another name: import it by its own")),
        None => Ok(()),
    }
}

fn is_as(token: &proc_macro2::TokenTree) -> bool {
    match token {
        proc_macro2::TokenTree::Ident(word) => word == "as",
        proc_macro2::TokenTree::Group(group) => group.stream().into_iter().any(|token| is_as(&token)),
        _ => false,
    }
}

/// What is there only at times cannot be declared once for all.
fn unconditional(attributes: &[syn::Attribute]) -> Result<()> {
    match attributes.iter().find(|one| one.path().is_ident("cfg") || one.path().is_ident("cfg_attr")) {
        Some(one) => Err(Error::new(one.span(), "a table or column that is compiled only at times")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(source: &str, table: &str) -> Vec<String> {
        let foreign = BTreeMap::from([("Vector".to_owned(), "vector".to_owned())]);
        let tables = read(source, &foreign).unwrap();
        let table = tables.iter().find(|one| one.name == table).unwrap_or_else(|| panic!("{tables:?}"));
        table.columns.iter().map(|(column, kind)| format!("{column} {kind}")).collect()
    }

    fn fault(source: &str) -> String {
        read(source, &BTreeMap::new()).unwrap_err().to_string()
    }

    /// As `diesel print-schema` writes it, with everything that it may write.
    const GENERATED: &str = r#"
// @generated automatically by Diesel CLI.

/// A module containing custom SQL type definitions
pub mod sql_types {
    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "Mood", schema = "other"))]
    pub struct Mood;

    #[derive(diesel::sql_types::SqlType)]
    #[diesel(postgres_type(oid = 1, array_oid = 2))]
    pub struct Fixed;
}

diesel::table! {
    /// Representation of the `people` table.
    people (id) {
        id -> Int4,
        /// Its length is limited.
        #[max_length = 20]
        name -> Varchar,
        #[sql_name = "type"]
        type_ -> Nullable<Text>,
        r#where -> Bool,
        tags -> Array<Nullable<Text>>,
        grid -> Nullable<Array<Array<Int4>>>,
        letter -> Bpchar,
        one -> CChar,
        during -> Tstzrange,
        spans -> Nullable<Multirange<Int8>>,
        path -> diesel::sql_types::Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::*;
    use super::sql_types::Mood;

    #[sql_name = "Order Items"]
    other.order_items (id, mood) {
        id -> BigInt,
        mood -> Nullable<Mood>,
        moods -> Array<Nullable<Mood>>,
        near -> Nullable<Vector>,
    }
}

pub mod sides {
    diesel::table! { sides.jobs (id) { id -> Uuid, } }
}
table! { public.a { id -> Integer } }
diesel::view! { busy { id -> Int4, } }

diesel::joinable!(people -> a (id));
diesel::allow_tables_to_appear_in_same_query!(people, a,);
"#;

    #[test]
    fn what_diesels_command_line_writes_is_read_in_full() {
        let people = [
            "during tstzrange",
            "grid _int4",
            "id int4",
            "letter bpchar",
            "name varchar",
            "one char",
            "path text",
            "spans int8multirange",
            "tags _text",
            "type text",
            "where bool",
        ];
        assert_eq!(columns(GENERATED, "people"), people);
        let items = ["id int8", "mood Mood", "moods _Mood", "near vector"];
        assert_eq!(columns(GENERATED, "other.Order Items"), items);
        assert_eq!(columns(GENERATED, "sides.jobs"), ["id uuid"]);
        assert_eq!(columns(GENERATED, "a"), ["id int4"]);
        assert_eq!(columns(GENERATED, "busy"), ["id int4"]);
    }

    #[test]
    fn what_is_not_understood_is_a_fault_and_never_an_empty_list() {
        let table = |inside: &str| format!("diesel::table! {{ a (id) {{ id -> Int4, {inside} }} }}");
        for (source, why) in [
            ("//! Nothing.".to_owned(), "no table is declared"),
            (table("x -> Geometry,"), "Geometry"),
            (table("x -> Range<Text>,"), "Range<Text>"),
            (table("x Int4,"), "expected `->`"),
            (table("id -> Int8,"), "declared twice"),
            (table("#[cfg(feature = \"x\")] x -> Int4,"), "only at times"),
            (format!("#[cfg(unix)] {}", table("")), "only at times"),
            (format!("#[cfg(unix)] mod other {{ {} }}", table("")), "only at times"),
            (format!("#![cfg(unix)] {}", table("")), "only at times"),
            (
                "table! { use super::sql_types::Mood as Text; a (id) { id -> Text, } }".to_owned(),
                "another name",
            ),
            ("table! { use x::{Int4, Mood as Text}; a (id) { id -> Text, } }".to_owned(), "another name"),
            (
                "mod one { #[diesel(postgres_type(name = \"mood\"))] pub struct Mood; }
                 mod other { #[diesel(postgres_type(name = \"feeling\"))] pub struct Mood; }"
                    .to_owned()
                    + &table("mood -> Mood,"),
                "feeling",
            ),
            (table("") + &table(""), "declared twice"),
            (table("") + "include!(\"more.rs\");", "include! declares tables"),
            (table("") + "mod more;", "tables!` of its own"),
            (table("") + "macro_rules! more { () => {} }", "macro_rules! declares"),
        ] {
            let said = fault(&source);
            assert!(said.contains(why), "{source}: {said}");
        }
    }

    #[test]
    fn a_fault_says_where() {
        let said = fault("diesel::table! { orders (id) { id -> Int4, at -> Geometry, } }");
        assert!(said.contains("orders") && said.contains("column at"), "{said}");
    }
}
