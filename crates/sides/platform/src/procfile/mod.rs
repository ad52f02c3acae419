//! `Procfile.<name>`: one file, one process, one line.
//!
//! ```text
//! # what web is
//! web: web --verbose "two words"
//! ```
//! No shell reads the line, so a signal sent to the process reaches the program itself. Files of other tools that are
//! called so, such as a `Procfile.dev` with several processes, are left out with a notice.

mod foreign;
mod shell;

use std::{
    fmt,
    path::{Path, PathBuf},
};

pub use foreign::Foreign;

/// The word of Procfiles for the process that answers visitors: the only one that Heroku's router knows, and what a program
/// that does not say what it is is taken for.
pub const WEB: &str = "web";

/// One process as its Procfile says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Procfile {
    /// `web`, `worker`, `clock` …
    pub name: String,
    /// The program: a path when it has a `/`, else looked up on the PATH.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Where it was read, for messages.
    pub origin: Origin,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Why the Procfiles cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProcfileError {
    /// A folder or file cannot be read.
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// A folder without any.
    #[error(
        "no Procfile.<name> in {}: add one per process, such as Procfile.web with the line `web: web`",
        .0.display()
    )]
    None(PathBuf),
    /// A line that is not understood.
    #[error("{0}: {1}")]
    Line(Origin, Fault),
    /// A file without a process.
    #[error("{}: names no process; write one line like `{name}: {name}`", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
        /// The process that it should name.
        name: String,
    },
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No `name:` in front.
    #[error("expected `name: program arguments`")]
    NoColon,
    /// The name in the file and the file's own name differ.
    #[error(
        "names {found:?}, but the file is Procfile.{expected}; each file holds the one process it is named \
             after"
    )]
    OtherName {
        /// From the file's name.
        expected: String,
        /// From the line.
        found: String,
    },
    /// A second process in one file.
    #[error("a second process in one file; give it a Procfile.<name> of its own")]
    Second,
    /// Nothing behind the colon.
    #[error("no program after the colon")]
    NoProgram,
    /// A quote that never ends.
    #[error("a quote is never closed")]
    OpenQuote,
    /// Shell syntax, which nothing here would interpret.
    #[error(
        "{what:?} needs a shell, and there is none; quote it if it is meant literally, otherwise write: {instead}"
    )]
    Shell {
        /// What needs it.
        what: String,
        /// The line that has one.
        instead: String,
    },
}

/// What the Procfiles of a folder say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The processes, in the order of their names.
    pub procfiles: Vec<Procfile>,
    /// Files that are another tool's.
    pub foreign: Vec<Foreign>,
}

/// The processes of a folder; see [`look`].
///
/// # Errors
/// As [`look`].
pub fn discover(folder: &Path) -> Result<Vec<Procfile>, ProcfileError> {
    Ok(look(folder)?.procfiles)
}

/// Reads every `Procfile.<name>` of a folder.
///
/// # Errors
/// When there is none, or one cannot be read or understood.
pub fn look(folder: &Path) -> Result<Found, ProcfileError> {
    let unreadable = |error| ProcfileError::Read(folder.to_owned(), error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().and_then(|file| file.to_str()?.strip_prefix("Procfile."));
        // `Procfile.web~` and `Procfile.web.orig` are an editor's, not a process; `Procfile.d` may be a folder.
        if let Some(name) = name.filter(|name| is_name(name) && !path.is_dir()) {
            files.push((name.to_owned(), path));
        }
    }
    files.sort();
    let mut found = Found::default();
    for (name, path) in files {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(_) if foreign::is_occasion(&name) => String::new(),
            Err(error) => return Err(ProcfileError::Read(path, error)),
        };
        match foreign::processes(&name, &text) {
            Some(processes) => found.foreign.push(Foreign { file: path, name, processes }),
            None => found.procfiles.push(parse(&name, &path, &text)?),
        }
    }
    if found.procfiles.is_empty() { Err(ProcfileError::None(folder.to_owned())) } else { Ok(found) }
}

/// Reads the text of `Procfile.<name>`.
///
/// # Errors
/// When a line is not understood, or there is not exactly one process.
pub fn parse(name: &str, file: &Path, text: &str) -> Result<Procfile, ProcfileError> {
    let mut found = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let origin = Origin { file: file.to_owned(), line: index + 1 };
        if found.is_some() {
            return Err(ProcfileError::Line(origin, Fault::Second));
        }
        match parse_line(name, line) {
            Ok((program, arguments)) => {
                found = Some(Procfile { name: name.to_owned(), program, arguments, origin });
            }
            Err(fault) => return Err(ProcfileError::Line(origin, fault)),
        }
    }
    found.ok_or_else(|| ProcfileError::Empty { file: file.to_owned(), name: name.to_owned() })
}

fn parse_line(expected: &str, line: &str) -> Result<(String, Vec<String>), Fault> {
    let (found, command) = line.split_once(':').ok_or(Fault::NoColon)?;
    let found = found.trim();
    if found != expected {
        return Err(Fault::OtherName { expected: expected.to_owned(), found: found.to_owned() });
    }
    let command = command.trim();
    let words = shell_words::split(command).map_err(|_| {
        if command.ends_with('\\') { needs_shell(found, command, "\\") } else { Fault::OpenQuote }
    })?;
    if let Some(what) = shell::syntax(command) {
        return Err(needs_shell(found, command, &what));
    }
    let mut words = words.into_iter();
    let program = words.next().filter(|program| !program.is_empty()).ok_or(Fault::NoProgram)?;
    Ok((program, words.collect()))
}

fn needs_shell(name: &str, command: &str, what: &str) -> Fault {
    let command = command.trim_end_matches('\\').trim_end();
    // One command can be executed in the shell's place, so that a signal reaches it; several cannot.
    let is_one = !command.contains(['|', '&', ';', '(']) && !command.starts_with("exec ");
    let script = if is_one { format!("exec {command}") } else { command.to_owned() };
    Fault::Shell { what: what.to_owned(), instead: format!("{name}: sh -c {}", shell_words::quote(&script)) }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Procfile, String> {
        parse(name, Path::new(&format!("Procfile.{name}")), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_line_is_a_program_with_arguments() {
        let web = read("web", "# ours\n\n web :  web --name 'two words' \"a \\\" b\" c\\ d\n").unwrap();
        assert_eq!(web.program, "web");
        assert_eq!(web.arguments, ["--name", "two words", "a \" b", "c d"]);
        assert_eq!(web.origin.line, 3);
    }

    #[test]
    fn a_quoted_script_for_a_shell_is_an_argument() {
        let web = read("web", "web: sh -c 'exec web --port $PORT | cat'").unwrap();
        assert_eq!(web.arguments, ["-c", "exec web --port $PORT | cat"]);
    }

    #[test]
    fn every_fault_names_its_file_and_line() {
        for (text, said) in [
            ("# one\nweb web", "Procfile.web:2: expected `name: program arguments`"),
            ("worker: worker", "Procfile.web:1: names \"worker\", but the file is Procfile.web"),
            ("web: web\nweb: web", "Procfile.web:2: a second process"),
            ("web:  ", "Procfile.web:1: no program after the colon"),
            ("web: web 'open", "Procfile.web:1: a quote is never closed"),
            ("web: web --port $PORT", "Procfile.web:1: \"$PORT\" needs a shell"),
            ("web: web | cat", "Procfile.web:1: \"|\" needs a shell"),
            ("web: PORT=1 web", "Procfile.web:1: \"PORT=1\" needs a shell"),
            ("web: ''", "Procfile.web:1: no program after the colon"),
            ("web: web --name 'a' \\\n  --port 1", "Procfile.web:1: \"\\\\\" needs a shell"),
            ("# nothing\n", "Procfile.web: names no process; write one line like `web: web`"),
        ] {
            let error = read("web", text).unwrap_err();
            assert!(error.starts_with(said), "{text:?} said {error:?}, not {said:?}");
        }
    }

    #[test]
    fn the_advice_is_a_line_that_works() {
        let error = read("web", "web: web --port ${PORT:-3000} --name \"a b\"").unwrap_err();
        let instead = error.split_once("otherwise write: ").unwrap().1;
        assert_eq!(instead, "web: sh -c 'exec web --port ${PORT:-3000} --name \"a b\"'");
        let web = read("web", instead).unwrap();
        assert_eq!(web.arguments, ["-c", "exec web --port ${PORT:-3000} --name \"a b\""]);
        let error = read("web", "web: cd 'the folder' && web").unwrap_err();
        let instead = error.split_once("otherwise write: ").unwrap().1;
        assert_eq!(read("web", instead).unwrap().arguments, ["-c", "cd 'the folder' && web"]);
    }

    #[test]
    fn files_of_other_tools_are_left_out_with_a_notice() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).unwrap();
        write("Procfile.dev", b"web: bin/rails server -p ${PORT:-3000}\ncss: yarn build --watch\n");
        write("Procfile.prod", b"web: ./web");
        write("Procfile.test", b"\xff\xfe");
        assert!(matches!(look(folder.path()), Err(ProcfileError::None(_))), "none of them is a process");
        write("Procfile.web", b"web: web");
        std::fs::create_dir(folder.path().join("Procfile.d")).unwrap();
        let found = look(folder.path()).unwrap();
        assert_eq!(found.procfiles.len(), 1);
        let said: Vec<String> = found.foreign.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].contains("Procfile.dev is ignored: it names web, css"), "{said:?}");
    }

    #[test]
    fn every_procfile_of_a_folder_is_found_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        assert!(discover(folder.path()).unwrap_err().to_string().starts_with("no Procfile.<name> in "));
        write("Procfile.worker", "worker: worker");
        write("Procfile.mail-out", "mail-out: ./mail");
        write("Procfile.web~", "not one");
        write("Procfile.web.orig", "not one");
        write("Procfile", "not one");
        let names: Vec<_> = discover(folder.path()).unwrap().into_iter().map(|found| found.name).collect();
        assert_eq!(names, ["mail-out", "worker"]);
    }
}
