//! The macro's input: a list, or a file and where it is.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use syn::{
    Ident, LitStr, Token,
    parse::{Parse, ParseStream},
    token,
};

use crate::list::List;

/// What the macro is given.
pub(crate) enum Input {
    File(File),
    List(List),
}

/// A path, and SQL types that other crates define.
pub(crate) struct File {
    path: LitStr,
    pub(crate) types: BTreeMap<String, String>,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        // A table's name may be a text as well, but its columns follow.
        let is_file = input.peek(LitStr) && !input.peek2(token::Brace) && !input.peek2(Token![:]);
        if is_file { input.parse().map(Self::File) } else { input.parse().map(Self::List) }
    }
}

impl Parse for File {
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

impl File {
    /// Whether it is a list, and no schema file of diesel's.
    pub(crate) fn is_json(&self) -> bool {
        Path::new(&self.path.value()).extension().is_some_and(|extension| extension == "json")
    }

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
