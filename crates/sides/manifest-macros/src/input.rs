//! The macro's input, and the file it names.

use std::{collections::BTreeMap, path::PathBuf};

use syn::{
    Ident, LitStr, Token,
    parse::{Parse, ParseStream},
};

/// A path, and SQL types that other crates define.
pub(crate) struct Input {
    path: LitStr,
    pub(crate) types: BTreeMap<String, String>,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let path = input.parse()?;
        let mut types = BTreeMap::new();
        while input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let name: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            types.insert(name.to_string(), input.parse::<LitStr>()?.value());
        }
        Ok(Self { path, types })
    }
}

impl Input {
    /// The file's absolute path and its text.
    pub(crate) fn read(&self) -> syn::Result<(String, String)> {
        let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
        let path = folder.join(self.path.value());
        let fault = |why: &dyn std::fmt::Display| {
            syn::Error::new(self.path.span(), format!("{}: {why}", path.display()))
        };
        let source = std::fs::read_to_string(&path).map_err(|error| fault(&error))?;
        let path = path.to_str().ok_or_else(|| fault(&"the path is not valid UTF-8"))?;
        Ok((path.to_owned(), source))
    }

    /// A fault of the file, shown at the macro.
    pub(crate) fn fault(&self, fault: &syn::Error) -> syn::Error {
        syn::Error::new(self.path.span(), format!("{}: {fault}", self.path.value()))
    }
}
