//! What the code of a crate writes down: texts, names, imports, and types whose values it makes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use crate::programs;

/// The segments of a path.
pub(super) type Name = Vec<String>;

/// What a name in a file stands for.
#[derive(Debug)]
pub(super) struct Imported {
    pub(super) name: Name,
    /// Whether other modules may name it too.
    pub(super) is_passed_on: bool,
    /// Whether it is all that the module `name` holds.
    pub(super) is_all: bool,
}

/// What some code writes down, without its tests.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) texts: BTreeSet<String>,
    pub(super) names: BTreeSet<Name>,
    pub(super) imports: BTreeMap<String, Imported>,
    pub(super) made: BTreeSet<String>,
}

impl Written {
    /// The name with what its beginning was imported from.
    pub(super) fn full(&self, name: &[String]) -> Name {
        let imported = self.imports.get(&name[0]).filter(|imported| !imported.is_all);
        imported.map_or_else(|| name.to_vec(), |imported| [&imported.name, &name[1..]].concat())
    }

    fn import(&mut self, tree: &syn::UseTree, mut above: Name, is_passed_on: bool) {
        let mut add = |local: String, name: Name, is_all: bool| {
            self.imports.insert(local, Imported { name, is_passed_on, is_all });
        };
        match tree {
            syn::UseTree::Path(path) => {
                above.push(path.ident.to_string());
                self.import(&path.tree, above, is_passed_on);
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(tree, above.clone(), is_passed_on));
            }
            syn::UseTree::Glob(_) => add(format!("{}::*", above.join("::")), above, true),
            syn::UseTree::Name(name) if name.ident == "self" => {
                add(above.last().unwrap().clone(), above, false);
            }
            syn::UseTree::Name(name) => {
                above.push(name.ident.to_string());
                add(name.ident.to_string(), above, false);
            }
            syn::UseTree::Rename(name) => {
                if name.ident != "self" {
                    above.push(name.ident.to_string());
                }
                add(name.rename.to_string(), above, false);
            }
        }
    }

    /// The arguments of a macro are no syntax; its texts and its paths still are tokens.
    fn tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut colons) = (Name::new(), 0);
        for token in tokens {
            match token {
                TokenTree::Ident(segment) if colons == 2 && !path.is_empty() => {
                    path.push(segment.to_string());
                }
                TokenTree::Ident(segment) => {
                    self.name(std::mem::replace(&mut path, vec![segment.to_string()]));
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let Ok(syn::Lit::Str(text)) = syn::parse_str(&literal.to_string()) {
                        self.texts.insert(text.value());
                    }
                }
                TokenTree::Punct(_) => self.name(std::mem::take(&mut path)),
            }
            colons = 0;
        }
        self.name(path);
    }

    fn name(&mut self, name: Name) {
        if !name.is_empty() {
            self.names.insert(name);
        }
    }
}

impl<'ast> Visit<'ast> for Written {
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.texts.insert(text.value());
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.name(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_passed_on = !matches!(item.vis, syn::Visibility::Inherited);
        self.import(&item.tree, Name::new(), is_passed_on);
    }

    fn visit_expr_struct(&mut self, made: &'ast syn::ExprStruct) {
        self.made.extend(made.path.segments.last().map(|name| name.ident.to_string()));
        visit::visit_expr_struct(self, made);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.made.extend(path.path.segments.iter().map(|name| name.ident.to_string()));
        visit::visit_expr_path(self, path);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }
}

pub(super) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg"))
}

/// The sources of a crate, of the application or of the chassis.
pub(super) fn sources_of(name: &str) -> PathBuf {
    let crates = programs::workspace().join("crates");
    let own = crates.join(name).join("src");
    if own.exists() { own } else { crates.join("sides").join(name).join("src") }
}

pub(super) fn written(name: &str) -> Written {
    let mut written = Written::default();
    parsed(&sources_of(name)).iter().for_each(|(_, file)| written.visit_file(file));
    assert!(!written.texts.is_empty(), "{name} has no sources");
    written
}

/// The files in a folder and below.
pub(super) fn parsed(folder: &Path) -> Vec<(PathBuf, syn::File)> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(parsed(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
            found.push((path, file));
        }
    }
    found
}

/// The module that a file of a crate is.
pub(super) fn module_of(name: &str, path: &Path) -> Name {
    let path = path.with_extension("");
    let segments = path.iter().map(|segment| segment.to_string_lossy().into_owned());
    [name.to_owned()].into_iter().chain(segments.filter(|name| name != "mod" && name != "lib")).collect()
}
