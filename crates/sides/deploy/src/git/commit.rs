//! The files of one commit, read on demand.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    sync::{Mutex, PoisonError},
};

use super::{Repository, command};
use workspace::inputs::{Tree, is_left_out};

/// A commit's files below the workspace's root.
#[derive(Debug)]
pub(crate) struct Commit {
    name: String,
    prefix: String,
    /// Sorted, from the workspace's root.
    paths: Vec<String>,
    reader: Mutex<Reader>,
}

/// A `git cat-file --batch`, which answers one name after the other.
#[derive(Debug)]
struct Reader {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Commit {
    pub(super) fn open(repository: &Repository, name: &str) -> io::Result<Self> {
        let all = repository.names(&["ls-tree", "-r", "-z", "--name-only", "--full-tree", name]);
        let prefix = repository.prefix.clone();
        let mut paths: Vec<String> =
            all.iter().filter_map(|path| path.strip_prefix(&prefix)).map(str::to_owned).collect();
        paths.sort();
        let mut child = command(&repository.root)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("git has no pipes"));
        };
        let reader = Mutex::new(Reader { child, input, output: BufReader::new(output) });
        Ok(Self { name: name.to_owned(), prefix, paths, reader })
    }
}

impl Tree for Commit {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.paths.binary_search_by(|known| known.as_str().cmp(path)).ok()?;
        let object = format!("{}:{}{path}", self.name, self.prefix);
        if object.contains('\n') {
            return None;
        }
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).read(&object).ok().flatten()
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let inside = |path: &&String| {
            let below =
                folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
            below && !is_left_out(path)
        };
        self.paths.iter().filter(inside).cloned().collect()
    }
}

impl Reader {
    /// `None` when it is not a file.
    fn read(&mut self, object: &str) -> io::Result<Option<Vec<u8>>> {
        writeln!(self.input, "{object}")?;
        self.input.flush()?;
        let mut head = String::new();
        self.output.read_line(&mut head)?;
        // `<id> blob <size>`, or `<object> missing`.
        let words: Vec<&str> = head.split_whitespace().collect();
        let [_, kind, size] = words.as_slice() else { return Ok(None) };
        let Ok(size) = size.parse() else { return Ok(None) };
        let mut content = vec![0; size];
        self.output.read_exact(&mut content)?;
        self.output.read_exact(&mut [0])?;
        Ok((*kind == "blob").then_some(content))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
