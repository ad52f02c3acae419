//! What a crate asks of `sides-schema`: the SQL behind each function, type and constant of it that the crate names, over any
//! number of steps.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit as _;

use super::written::{Name, Written, module_of, parsed, sources_of};

/// An item of the schema.
#[derive(Default)]
struct Item {
    texts: BTreeSet<String>,
    /// What it names; what is no item among them leads nowhere.
    names: BTreeSet<Name>,
}

/// Every item of the schema, by its path: `schema`, `jobs`, `load`, `read`.
pub(super) struct Schema(BTreeMap<Name, Item>);

impl Schema {
    pub(super) fn read() -> Self {
        let mut items = BTreeMap::<Name, Item>::new();
        let root = sources_of("schema");
        for (path, file) in parsed(&root) {
            let module = module_of("schema", path.strip_prefix(&root).unwrap());
            let mut whole = Written::default();
            whole.visit_file(&file);
            for (name, written) in file.items.iter().flat_map(made) {
                let item = items.entry(under(&module, &[name])).or_default();
                item.texts.extend(written.texts);
                item.names.extend(written.names.iter().map(|name| from(&module, &whole.full(name))));
            }
            for (local, imported) in &whole.imports {
                let item = items.entry(under(&module, std::slice::from_ref(local))).or_default();
                item.names.insert(from(&module, &imported.name));
            }
        }
        Self(items)
    }

    /// The texts that a crate with these sources may run.
    pub(super) fn asked_by(&self, name: &str) -> BTreeSet<String> {
        let mut open: Vec<Name> =
            parsed(&sources_of(name)).into_iter().flat_map(|(_, file)| self.named_in(&file)).collect();
        let (mut seen, mut texts) = (BTreeSet::new(), BTreeSet::new());
        while let Some(name) = open.pop() {
            let Some((name, item)) = self.item(&name) else { continue };
            if seen.insert(name) {
                texts.extend(item.texts.iter().cloned());
                open.extend(item.names.iter().cloned());
            }
        }
        texts
    }

    /// The item of this path, whose last segments may be a variant or a method.
    fn item(&self, name: &[String]) -> Option<(&Name, &Item)> {
        (1..=name.len()).rev().find_map(|length| self.0.get_key_value(&name[..length]))
    }

    /// What a file of another crate names. A module is named whole where others may name what is in it: when it is passed
    /// on, when all of it is imported, and when its importer itself makes no use of it.
    fn named_in(&self, file: &syn::File) -> Vec<Name> {
        let mut written = Written::default();
        written.visit_file(file);
        let mut found: Vec<Name> = written.names.iter().map(|name| written.full(name)).collect();
        for (local, imported) in &written.imports {
            let is_used = written.names.iter().any(|name| name.len() > 1 && name[0] == *local);
            if imported.is_passed_on || imported.is_all || !is_used {
                found.extend(self.0.keys().filter(|item| item.starts_with(&imported.name)).cloned());
            }
            found.push(imported.name.clone());
        }
        found.retain(|name| name[0] == "schema");
        for name in &found {
            let is_module = self.0.keys().any(|item| item.starts_with(name));
            assert!(is_module || self.item(name).is_some(), "sides-schema has no {}", name.join("::"));
        }
        found
    }
}

/// What an item of a file makes, by its name. A table is something to ask for.
fn made(item: &syn::Item) -> Vec<(String, Written)> {
    let name = match item {
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Const(item) => &item.ident,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Impl(item) => match &*item.self_ty {
            syn::Type::Path(of) => &of.path.segments.last().unwrap().ident,
            _ => panic!("not followed: an impl for something that is no path"),
        },
        syn::Item::Macro(item) if item.mac.path.segments.last().unwrap().ident == "table" => {
            let text = item.mac.tokens.to_string();
            let table = text.split('(').next().unwrap().replace(' ', "");
            let name = table.split('.').next_back().unwrap().to_owned();
            let texts = BTreeSet::from([format!("SELECT FROM {table}")]);
            return vec![(name, Written { texts, ..Written::default() })];
        }
        syn::Item::Macro(item) => match &item.ident {
            Some(name) => name,
            None => return Vec::new(),
        },
        syn::Item::Mod(item) if item.content.is_none() || super::written::is_test(&item.attrs) => {
            return Vec::new();
        }
        syn::Item::Use(_) => return Vec::new(),
        _ => panic!("not followed: an item of a kind that sides-schema has none of"),
    };
    let mut written = Written::default();
    written.visit_item(item);
    vec![(name.to_string(), written)]
}

/// A name that a module of the schema writes, as a path from its root.
fn from(module: &[String], name: &[String]) -> Name {
    match name[0].as_str() {
        "crate" => under(&module[..1], &name[1..]),
        "self" => under(module, &name[1..]),
        "super" => from(&module[..module.len() - 1], &under(&["self".to_owned()], &name[1..])),
        _ => under(module, name),
    }
}

fn under(module: &[String], name: &[String]) -> Name {
    [module, name].concat()
}

#[test]
fn a_query_is_followed_from_the_crate_that_names_it() {
    let schema = Schema::read();
    let asks = |name: &str, text: &str| schema.asked_by(name).iter().any(|one| one.contains(text));
    // Through a function and the constant that it runs.
    assert!(asks("controller", "FROM sides.runners JOIN sides.instances"));
    // An import under another name; a function that is passed on; the columns that diesel writes.
    assert!(asks("sides/web", "SELECT FROM sides.sessions"));
    assert!(asks("sides/web", "FROM sides.memory_trends"));
    assert!(asks("scheduler", "SELECT FROM sides.schedule_pauses"));
    // What only the command line asks.
    assert!(!asks("controller", "sides.releases") && !asks("scheduler", "sides.releases"));
}
