//! Reads the tables that a crate uses while it is compiled: a `schema.rs`, by the parser that diesel's own `table!` uses, or a
//! list.
//!
//! The crate `sides-manifest` hands the macro on: use it from there. Only compilers run this; no process carries it.

mod input;
mod items;
mod list;
mod sql_types;

use proc_macro::TokenStream;
use quote::quote;

use input::{File, Input};
use items::Table;
use list::List;

/// The tables that a crate uses, as a value of `manifest::Tables`. What is not understood does not compile.
///
/// With diesel, its schema file says them: `manifest::tables!("src/schema.rs")` takes a path from the crate's folder. A SQL
/// type that another crate defines is named behind it: `manifest::tables!("src/schema.rs", Vector = "vector")`.
///
/// Without diesel, list them with the columns that the crate's SQL names and their types:
/// `manifest::tables! { people { id: bigint, name: text, tags: text[] } }`; or in a file that other languages read as well,
/// `manifest::tables!("tables.json")`, with `{"people": {"id": "bigint", "name": "text", "tags": "text[]"}}`. Hold the list
/// to the database in a test, with `testing::assert_tables`.
#[proc_macro]
pub fn tables(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as Input);
    expand(&input).unwrap_or_else(|fault| fault.to_compile_error()).into()
}

fn expand(input: &Input) -> syn::Result<proc_macro2::TokenStream> {
    match input {
        Input::List(List(tables)) => {
            let tables = written(tables);
            Ok(quote!(#tables))
        }
        Input::File(file) => {
            let (path, source) = file.read()?;
            let tables = written(&read(file, &source).map_err(|fault| file.fault(&fault))?);
            // The compiler reads the file too, so that a change to it builds this crate again.
            Ok(quote!({
                const _: &[u8] = include_bytes!(#path);
                #tables
            }))
        }
    }
}

fn read(file: &File, source: &str) -> syn::Result<Vec<Table>> {
    if file.is_json() { list::read_json(source) } else { items::read(source, &file.types) }
}

fn written(tables: &[Table]) -> proc_macro2::TokenStream {
    let tables = tables.iter().map(|table| {
        let name = &table.name;
        let columns = table.columns.iter().map(|(column, kind)| quote!((#column, #kind)));
        quote!((#name, &[#(#columns),*]))
    });
    quote!(&[#(#tables),*])
}
