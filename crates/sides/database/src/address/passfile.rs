//! The password file of libpq: `host:port:database:user:password`, a line each.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

/// Who asks for a password.
pub(crate) struct Asked<'a> {
    /// `localhost` for a socket in a default folder, as libpq has it.
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) database: &'a str,
    pub(crate) user: &'a str,
}

/// Why nothing in the file counts.
pub(crate) fn fault(file: &Path) -> Option<&'static str> {
    let Ok(metadata) = std::fs::metadata(file) else { return Some("there is no such file") };
    if !metadata.is_file() {
        return Some("it is not a plain file");
    }
    (metadata.permissions().mode() & 0o077 != 0)
        .then_some("it does not count, because others may read it: chmod 600 it")
}

/// The password of the first line that fits. A file that others may read is not trusted, as for libpq.
pub(crate) fn password(file: &Path, asked: &Asked<'_>) -> Option<String> {
    if fault(file).is_some() {
        return None;
    }
    find(&std::fs::read_to_string(file).ok()?, asked)
}

fn find(text: &str, asked: &Asked<'_>) -> Option<String> {
    let port = asked.port.to_string();
    let wanted = [asked.host, &port, asked.database, asked.user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let (password, keys) = fields.split_last().filter(|(_, keys)| keys.len() == 4)?;
        let fits = keys.iter().zip(wanted).all(|(key, wanted)| key == "*" || key == wanted);
        fits.then(|| password.clone())
    })
}

/// Split at colons; a backslash takes the next letter as it is. What follows the fifth field's colons belongs to it.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ':' if fields.len() < 5 => fields.push(String::new()),
            '\\' => fields.last_mut().into_iter().for_each(|field| field.extend(letters.next())),
            other => fields.last_mut().into_iter().for_each(|field| field.push(other)),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "# a note\nbroken\ndb:5432:app:bob:no\ndb:*:a\\:b:ann:one\ndb:5432:*:ann:p\\:w\\\\x:y\n*:*:*:*:last";
        let asked = |host, database, user| find(text, &Asked { host, port: 5432, database, user });
        assert_eq!(asked("db", "app", "ann").as_deref(), Some("p:w\\x:y"));
        assert_eq!(asked("db", "a:b", "ann").as_deref(), Some("one"));
        assert_eq!(asked("other", "app", "ann").as_deref(), Some("last"));
        assert_eq!(
            find("db:5432:app:bob:no", &Asked { host: "db", port: 1, database: "app", user: "bob" }),
            None
        );
    }
}
