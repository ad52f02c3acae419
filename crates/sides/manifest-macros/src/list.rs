//! Reads a list of tables, as a process that does not use diesel writes it: in the macro itself or as a JSON file, which
//! Rust's tokenizer understands too.

use std::collections::{BTreeMap, BTreeSet};

use syn::{
    Error, Ident, LitStr, Result, Token, braced, bracketed,
    ext::IdentExt as _,
    parse::{Parse, ParseStream, Parser as _},
    token,
};

use crate::items::Table;

/// What SQL calls a type otherwise than `pg_type` does.
const IN_SQL: &[(&str, &str)] = &[
    ("bigint", "int8"),
    ("bigserial", "int8"),
    ("integer", "int4"),
    ("int", "int4"),
    ("serial", "int4"),
    ("smallint", "int2"),
    ("smallserial", "int2"),
    ("boolean", "bool"),
    ("real", "float4"),
    ("double precision", "float8"),
    ("decimal", "numeric"),
    ("character varying", "varchar"),
    ("character", "bpchar"),
    ("char", "bpchar"),
    ("timestamp with time zone", "timestamptz"),
    ("timestamp without time zone", "timestamp"),
    ("time with time zone", "timetz"),
    ("time without time zone", "time"),
    ("bit varying", "varbit"),
];

/// The tables of a list, which must have some.
pub(crate) fn read(input: ParseStream<'_>) -> Result<Vec<Table>> {
    let mut tables: Vec<Table> = Vec::new();
    while !input.is_empty() {
        let span = input.span();
        let name = table_name(input)?;
        // As in JSON.
        input.parse::<Option<Token![:]>>()?;
        let inside;
        braced!(inside in input);
        let columns = columns(&inside)?;
        if tables.iter().any(|table| table.name == name) {
            return Err(Error::new(span, format!("the table {name} is declared twice")));
        }
        tables.push(Table { name, columns });
        input.parse::<Option<Token![,]>>()?;
    }
    if tables.is_empty() {
        return Err(input.error("no table is declared here"));
    }
    Ok(tables)
}

/// The tables of a JSON file: an object of tables, each an object of columns with their types.
pub(crate) fn read_json(source: &str) -> Result<Vec<Table>> {
    let parser = |input: ParseStream<'_>| {
        let inside;
        braced!(inside in input);
        read(&inside)
    };
    parser.parse_str(source)
}

/// `people`, `other.people`, or any name as a text. Those of the schema `public` have their name alone.
fn table_name(input: ParseStream<'_>) -> Result<String> {
    let mut name = word(input)?;
    if input.parse::<Option<Token![.]>>()?.is_some() {
        name = format!("{name}.{}", word(input)?);
    }
    Ok(name.strip_prefix("public.").map_or_else(|| name.clone(), str::to_owned))
}

fn columns(input: ParseStream<'_>) -> Result<BTreeMap<String, String>> {
    let mut columns = BTreeMap::new();
    let mut names = BTreeSet::new();
    while !input.is_empty() {
        let span = input.span();
        let name = word(input)?;
        input.parse::<Token![:]>()?;
        let kind = sql_type(input)?;
        if !names.insert(name.clone()) {
            return Err(Error::new(span, format!("the column {name} is declared twice")));
        }
        columns.insert(name, kind);
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    match columns.is_empty() {
        true => Err(input.error("a table without columns")),
        false => Ok(columns),
    }
}

/// `int8`, `bigint`, `text[]`, or any type as a text. What Postgres does not know, a test against the database finds.
fn sql_type(input: ParseStream<'_>) -> Result<String> {
    let span = input.span();
    let mut written = word(input)?;
    while input.peek(token::Bracket) {
        let nothing;
        bracketed!(nothing in input);
        if !nothing.is_empty() {
            return Err(nothing.error("an array's type has no length: write `[]`"));
        }
        written += "[]";
    }
    let element = written.trim_end_matches("[]");
    if element.is_empty() || element.contains(['(', ')', '[', ']']) {
        return Err(Error::new(
            span,
            format!("{written:?} is not a type: write it without length or precision"),
        ));
    }
    let lower = element.to_lowercase();
    let known = IN_SQL.iter().find(|(in_sql, _)| *in_sql == lower);
    let name = known.map_or_else(|| element.to_owned(), |(_, name)| (*name).to_owned());
    // Postgres has one array type for any number of dimensions.
    Ok(if written.ends_with("[]") { format!("_{name}") } else { name })
}

fn word(input: ParseStream<'_>) -> Result<String> {
    if input.peek(LitStr) {
        return Ok(input.parse::<LitStr>()?.value());
    }
    // `type` is a good name for a column.
    let word = input.call(Ident::parse_any)?;
    Ok(word.unraw().to_string())
}

/// A list that stands in the macro.
pub(crate) struct List(pub(crate) Vec<Table>);

impl Parse for List {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        read(input).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tables: &[Table]) -> Vec<String> {
        let columns = |table: &Table| {
            let all = table.columns.iter().map(|(column, kind)| format!("{column} {kind}"));
            all.collect::<Vec<_>>().join(", ")
        };
        tables.iter().map(|table| format!("{}: {}", table.name, columns(table))).collect()
    }

    #[test]
    fn a_list_in_the_macro_and_one_in_json_say_the_same() {
        let list =
            "people { id: bigint, name: text, tags: text[], type: bool, \"Left Over\": \"double precision\" }
                    sides.fang_tasks { id: uuid }";
        let json = r#"{
            "people": {"id": "bigint", "name": "text", "tags": "text[]", "type": "bool", "Left Over": "double precision"},
            "sides.fang_tasks": {"id": "uuid"}
        }"#;
        let wanted = [
            "people: Left Over float8, id int8, name text, tags _text, type bool",
            "sides.fang_tasks: id uuid",
        ];
        let List(tables) = syn::parse_str(list).unwrap();
        assert_eq!(shown(&tables), wanted);
        assert_eq!(shown(&read_json(json).unwrap()), wanted);
    }

    #[test]
    fn types_are_called_as_postgres_calls_them() {
        let List(tables) = syn::parse_str(
            r#"public.a { a: int, b: "timestamp with time zone", c: "character varying"[], d: mood, e: int4[][], r#where: Mood[] }"#,
        )
        .unwrap();
        assert_eq!(shown(&tables), ["a: a int4, b timestamptz, c _varchar, d mood, e _int4, where _Mood"]);
    }

    #[test]
    fn what_is_not_understood_is_a_fault_and_never_an_empty_list() {
        for (source, why) in [
            ("", "no table is declared"),
            ("a {}", "without columns"),
            ("a { id: int4, id: int8 }", "declared twice"),
            ("a { id: int4 } a { id: int4 }", "declared twice"),
            ("a { id: \"varchar(20)\" }", "without length"),
            ("a { id: int4[3] }", "no length"),
            ("a { id int4 }", "expected `:`"),
            ("a (id) { id -> Int4 }", "expected curly braces"),
        ] {
            let said =
                syn::parse_str::<List>(source).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(said.contains(why), "{source}: {said}");
        }
        assert!(read_json("[]").is_err() && read_json("{} {}").is_err() && read_json("").is_err());
    }
}
