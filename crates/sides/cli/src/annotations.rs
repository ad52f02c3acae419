//! A refusal of a release as annotations in CI, at the file that causes it: the migration, the job contract, or else
//! the process.

use std::collections::BTreeMap;

use migrate::check::annotation;

use deploy::release::Refused;
use workspace::{
    Workspace,
    inputs::{Folder, Tree},
};

const TITLE: &str = "the release is refused";

/// A file and a line, counted from 1.
type Site = (String, usize);

/// Says it to a CI run that shows errors at their lines; to nobody else.
pub(crate) fn show(workspace: &Workspace, refused: &Refused) {
    if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return;
    }
    // A plan for programs is on standard output.
    for line in of(refused, &sites(&Folder::new(workspace.root()))) {
        eprintln!("{line}");
    }
}

/// One for each witness that names something of the workspace.
fn of(refused: &Refused, sites: &BTreeMap<String, Site>) -> Vec<String> {
    let texts = refused.witnesses.iter().chain(refused.witnesses.is_empty().then_some(&refused.reason));
    let next = refused.next.iter();
    texts
        .filter_map(|text| {
            let (file, line) = site_of(text, sites)?;
            let said: Vec<&str> = std::iter::once(text).chain(next.clone()).map(String::as_str).collect();
            Some(annotation(file, *line, TITLE, &said.join("\n")))
        })
        .collect()
}

/// The first name in the text that has a site. A process is the last resort: it is named by almost every witness.
fn site_of<'a>(text: &str, sites: &'a BTreeMap<String, Site>) -> Option<&'a Site> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let words = || text.split(|c| !is_part(c)).filter(|word| !word.is_empty());
    let process = |word: &str| sites.get(&format!("Procfile.{word}"));
    words().find_map(|word| sites.get(word)).or_else(|| words().find_map(process))
}

/// Everything that a witness may name: migrations, kinds of jobs, and Procfiles by their own names.
fn sites(tree: &impl Tree) -> BTreeMap<String, Site> {
    let mut sites = BTreeMap::new();
    for path in tree.list("") {
        let folders: Vec<&str> = path.split('/').collect();
        match folders.as_slice() {
            ["migrations", name, "up.sql"] => {
                sites.insert((*name).to_owned(), (path.clone(), 1));
            }
            [procfile] if procfile.starts_with("Procfile.") => {
                sites.insert((*procfile).to_owned(), (path.clone(), 1));
            }
            ["crates", _, "src", ..] if path.ends_with(".rs") => {
                let text = tree.text(&path).unwrap_or_default();
                let kinds = text.lines().zip(1..).filter_map(|(line, number)| Some((kind_in(line)?, number)));
                for (kind, number) in kinds {
                    sites.entry(kind.to_owned()).or_insert((path.clone(), number));
                }
            }
            _ => {}
        }
    }
    sites
}

/// `const KIND: &'static str = "greet";`
fn kind_in(line: &str) -> Option<&str> {
    let (declared, value) = line.split_once('=')?;
    let is_kind = declared.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "KIND");
    value.trim().strip_prefix('"')?.strip_suffix("\";").filter(|_| is_kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Files(Vec<(&'static str, &'static str)>);

    impl Tree for Files {
        fn read(&self, path: &str) -> Option<Vec<u8>> {
            self.0.iter().find(|(name, _)| *name == path).map(|(_, text)| text.as_bytes().to_vec())
        }

        fn list(&self, _: &str) -> Vec<String> {
            self.0.iter().map(|(name, _)| (*name).to_owned()).collect()
        }
    }

    #[test]
    fn a_witness_is_shown_where_what_it_names_is_written() {
        let files = Files(vec![
            ("Procfile.web", "web: web"),
            (
                "crates/jobs/src/greet.rs",
                "\nimpl Job for Greet {\n    const KIND: &'static str = \"greet\";\n",
            ),
            ("crates/web/src/main.rs", "const KIND_OF_PAGE: u8 = 1; // \"web\";\n"),
            ("migrations/2026-01-01-000100_drop/up.sql", ""),
        ]);
        let sites = sites(&files);
        let at = |text: &str| site_of(text, &sites).map(|(file, line)| format!("{file}:{line}"));
        let job = at("web@0a1b enqueues greet (version 2), which no release handles");
        assert_eq!(job.as_deref(), Some("crates/jobs/src/greet.rs:3"));
        let step = at("web@0a1b uses people.name, so it cannot run after step 2 (2026-01-01-000100_drop)");
        assert_eq!(step.as_deref(), Some("migrations/2026-01-01-000100_drop/up.sql:1"));
        assert_eq!(at("web@0a1b lacks people.name").as_deref(), Some("Procfile.web:1"));
        assert_eq!(at("nothing is known"), None);

        let refused = |witnesses: &[&str]| Refused {
            reason: "2026-01-01-000100_drop takes something away".to_owned(),
            witnesses: witnesses.iter().map(|&text| text.to_owned()).collect(),
            next: Some("Leave it for later.".to_owned()),
        };
        let expected = "::error file=crates/jobs/src/greet.rs,line=3,title=the release is refused::greet waits%0ALeave it \
                        for later.";
        assert_eq!(of(&refused(&["greet waits", "who knows"]), &sites), [expected]);
        assert_eq!(of(&refused(&[]), &sites).len(), 1, "the reason itself names a migration");
    }
}
