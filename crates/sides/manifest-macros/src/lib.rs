//! Reads a `schema.rs` while a crate is compiled, by the parser that diesel's own `table!` uses.
//!
//! The crate `sides-manifest` hands the macro on: use it from there. Only compilers run this; no process carries it.

mod input;
mod items;
mod sql_types;

use proc_macro::TokenStream;
use quote::quote;

/// The tables of a `schema.rs`, as a value of `manifest::Tables`.
///
/// `manifest::tables!("src/schema.rs")` takes a path from the crate's folder. A SQL type that another crate defines is
/// named behind it: `manifest::tables!("src/schema.rs", Vector = "vector")`. What is not understood does not compile.
#[proc_macro]
pub fn tables(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as input::Input);
    expand(&input).unwrap_or_else(|fault| fault.to_compile_error()).into()
}

fn expand(input: &input::Input) -> syn::Result<proc_macro2::TokenStream> {
    let (path, source) = input.read()?;
    let tables = items::read(&source, &input.types).map_err(|fault| input.fault(&fault))?;
    let tables = tables.iter().map(|table| {
        let name = &table.name;
        let columns = table.columns.iter().map(|(column, kind)| quote!((#column, #kind)));
        quote!((#name, &[#(#columns),*]))
    });
    // The compiler reads the file too, so that a change to it builds this crate again.
    Ok(quote!({
        const _: &[u8] = include_bytes!(#path);
        &[#(#tables),*]
    }))
}
