//! `host=db.example dbname=app user='ann'`, as libpq reads it.

use super::UrlError;

/// The parameters of such a text, in their order.
pub(super) fn read(text: &str) -> Result<Vec<(String, String)>, UrlError> {
    let mut found = Vec::new();
    let mut left = text.chars().peekable();
    loop {
        while left.next_if(|c| c.is_whitespace()).is_some() {}
        if left.peek().is_none() {
            return Ok(found);
        }
        let mut name = String::new();
        while let Some(letter) = left.next_if(|c| !c.is_whitespace() && *c != '=') {
            name.push(letter);
        }
        while left.next_if(|c| c.is_whitespace()).is_some() {}
        left.next_if_eq(&'=').ok_or(UrlError::Shape)?;
        while left.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = left.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match left.next() {
                Some('\'') if quoted => break,
                Some('\\') => value.extend(left.next()),
                Some(letter) if !quoted && letter.is_whitespace() => break,
                Some(letter) => value.push(letter),
                None if quoted => return Err(UrlError::Shape),
                None => break,
            }
        }
        if name.is_empty() {
            return Err(UrlError::Shape);
        }
        found.push((name, value));
    }
}

/// One pair, quoted so that every reader takes it as one.
pub(super) fn quote(name: &str, value: &str) -> String {
    format!("{name}='{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_blanks_and_backslashes_are_libpqs() {
        let text = r"host = db.example  dbname='my app' password='it\'s \\ +' user=a\ b options=''";
        let pairs = read(text).unwrap();
        let shown: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        assert_eq!(shown, ["host:db.example", "dbname:my app", r"password:it's \ +", "user:a b", "options:"]);
        for (name, value) in &pairs {
            assert_eq!(read(&quote(name, value)).unwrap(), [(name.clone(), value.clone())]);
        }
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        for text in ["host", "host=a dbname", "dbname='open", "=x"] {
            assert!(matches!(read(text), Err(UrlError::Shape)), "{text}");
        }
    }
}
