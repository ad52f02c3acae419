//! Maps diesel's names of SQL types to those in `pg_type`.

use std::collections::BTreeMap;

use syn::{Attribute, Error, GenericArgument, Item, ItemStruct, LitStr, PathArguments, Result, TypePath};

/// Diesel's own, where the name is another than in lower case.
const OTHERWISE: &[(&str, &str)] = &[
    ("BigInt", "int8"),
    ("BigSerial", "int8"),
    ("Integer", "int4"),
    ("Serial", "int4"),
    ("SmallInt", "int2"),
    ("SmallSerial", "int2"),
    ("Double", "float8"),
    ("Float", "float4"),
    ("Binary", "bytea"),
    ("Decimal", "numeric"),
    ("VarChar", "varchar"),
    ("Char", "bpchar"),
    ("CChar", "char"),
    ("PgLsn", "pg_lsn"),
    ("Cash", "money"),
    ("Tinyint", "int2"),
];

/// Diesel's own that are called as in `pg_type`, but for the case. `TsVector` and `TsQuery` are
/// `diesel_full_text_search`'s.
const ALIKE: &[&str] = &[
    "Bool",
    "Int2",
    "Int4",
    "Int8",
    "Float4",
    "Float8",
    "Numeric",
    "Text",
    "Varchar",
    "Bpchar",
    "Citext",
    "Bytea",
    "Date",
    "Time",
    "Timestamp",
    "Timestamptz",
    "Interval",
    "Json",
    "Jsonb",
    "Uuid",
    "Oid",
    "Inet",
    "Cidr",
    "MacAddr",
    "MacAddr8",
    "Money",
    "Name",
    "Int4range",
    "Int8range",
    "Numrange",
    "Tsrange",
    "Tstzrange",
    "Daterange",
    "Int4multirange",
    "Int8multirange",
    "Nummultirange",
    "Tsmultirange",
    "Tstzmultirange",
    "Datemultirange",
    "TsVector",
    "TsQuery",
    "Timetz",
    "Bit",
    "Varbit",
    "Xml",
    "Point",
    "Line",
    "Lseg",
    "Box",
    "Path",
    "Polygon",
    "Circle",
    "Tsvector",
    "Tsquery",
    "Ltree",
    "Hstore",
];

/// What a range is made of, and what it is called by.
const RANGES: &[(&str, &str)] = &[
    ("int4", "int4"),
    ("int8", "int8"),
    ("numeric", "num"),
    ("timestamp", "ts"),
    ("timestamptz", "tstz"),
    ("date", "date"),
];

/// All types that a file may use: diesel's, its own, and those of other crates that the caller named.
pub(crate) struct Types(BTreeMap<String, String>);

impl Types {
    pub(crate) fn of(items: &[Item], foreign: &BTreeMap<String, String>) -> Result<Self> {
        let mut known: BTreeMap<String, String> =
            ALIKE.iter().map(|name| ((*name).to_owned(), name.to_ascii_lowercase())).collect();
        known.extend(OTHERWISE.iter().map(|(diesel, name)| ((*diesel).to_owned(), (*name).to_owned())));
        let mut made = BTreeMap::new();
        own(items, &mut made)?;
        known.extend(made);
        known.extend(foreign.clone());
        Ok(Self(known))
    }

    /// The name in `pg_type` of a column's type. NULLs make no difference.
    pub(crate) fn postgres_name(&self, kind: &TypePath) -> Result<String> {
        let unknown = || {
            let shown = shown(kind);
            let advice = format!(
                "the SQL type {shown} is not known; name it where the macro is called: \
                 tables!(\"src/schema.rs\", {shown} = \"its name in pg_type\")"
            );
            Error::new_spanned(kind, advice)
        };
        let last = kind.path.segments.last().ok_or_else(unknown)?;
        let name = last.ident.to_string();
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            return self.0.get(&name).cloned().ok_or_else(unknown);
        };
        let Some(GenericArgument::Type(syn::Type::Path(inner))) = arguments.args.first() else {
            return Err(unknown());
        };
        let inner = self.postgres_name(inner)?;
        let range = |ending: &str| {
            let found = RANGES.iter().find(|(element, _)| *element == inner);
            found.map(|(_, short)| format!("{short}{ending}")).ok_or_else(unknown)
        };
        match name.as_str() {
            "Nullable" => Ok(inner),
            // An array of arrays is of the same type as an array.
            "Array" if inner.starts_with('_') => Ok(inner),
            "Array" => Ok(format!("_{inner}")),
            "Range" => range("range"),
            "Multirange" => range("multirange"),
            _ => Err(unknown()),
        }
    }
}

/// Types that the file declares, also in modules of several schemas: one name means one of them.
fn own(items: &[Item], known: &mut BTreeMap<String, String>) -> Result<()> {
    for item in items {
        match item {
            Item::Struct(made) => {
                let Some(name) = postgres_type(made)? else { continue };
                match known.insert(made.ident.to_string(), name.clone()) {
                    Some(other) if other != name => {
                        let twice =
                            format!("{} is both {other} and {name}: name one of them otherwise", made.ident);
                        return Err(Error::new(made.ident.span(), twice));
                    }
                    _ => {}
                }
            }
            Item::Mod(module) => own(module.content.as_ref().map_or(&[], |(_, items)| items), known)?,
            _ => {}
        }
    }
    Ok(())
}

/// `#[diesel(postgres_type(name = "mood", schema = "other"))]`
fn postgres_type(made: &ItemStruct) -> Result<Option<String>> {
    let mut name = None;
    let is_diesel = |attribute: &&Attribute| attribute.path().is_ident("diesel");
    for attribute in made.attrs.iter().filter(is_diesel) {
        attribute.parse_nested_meta(|meta| {
            let is_type = meta.path.is_ident("postgres_type");
            if meta.input.peek(syn::token::Paren) {
                return meta.parse_nested_meta(|inner| {
                    let value: syn::Lit = inner.value()?.parse()?;
                    if let (true, true, syn::Lit::Str(text)) = (is_type, inner.path.is_ident("name"), value) {
                        name = Some(LitStr::value(&text));
                    }
                    Ok(())
                });
            }
            if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<syn::Expr>()?;
            }
            Ok(())
        })?;
    }
    Ok(name)
}

fn shown(kind: &TypePath) -> String {
    let text = quote::quote!(#kind).to_string();
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
}
