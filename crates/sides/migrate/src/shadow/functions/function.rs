//! One function before a migration and behind it: what a change of it does to who uses it.

use super::Broken;
use crate::{
    class::Reason,
    sql::{Kind, Token, tokens},
};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Function {
    /// Without `public`.
    pub(super) name: String,
    pub(super) source: String,
    pub(super) language: String,
    pub(super) is_definer: bool,
    pub(super) settings: String,
    pub(super) is_strict: bool,
    /// What keeps its results (`kept`), refuses by them (`checks`), or fires it (`fires`), each with its description.
    pub(super) users: Vec<String>,
    /// How it is called; none where only Postgres calls it.
    pub(super) call: Option<String>,
}

impl Function {
    pub(super) fn felt(&self, now: &Self, users: &[String], may_drop: bool) -> Option<Broken> {
        let used = |kind: &str| users.iter().find_map(|one| one.strip_prefix(kind));
        let is_another = self.source != now.source;
        let name = &self.name;
        let (witness, refused) = if let (true, Some(user)) = (is_another, used("kept ")) {
            let text = format!("{user} keeps what {name} gave before, and is not made anew");
            (text, Some(Reason::Computed))
        } else if let (true, Some(user)) = (is_another, used("checks ")) {
            (format!("{user} decides by {name}, which decides otherwise from then on"), None)
        } else if let (true, Some(user), Some(how)) = (is_another, used("fires "), now.refuses(may_drop)) {
            (format!("{user} may refuse what code writes that was there before: {how}"), None)
        } else if self.is_definer && !now.is_definer {
            (
                format!("{name} runs with the rights of its caller from then on, no longer with its owner's"),
                None,
            )
        } else if self.settings != now.settings {
            let (was, is) = (shown(&self.settings), shown(&now.settings));
            (format!("{name} runs with other settings from then on: {is}, not {was}"), None)
        } else if !self.is_strict && now.is_strict {
            (format!("{name} gives NULL for NULL from then on"), None)
        } else {
            return None;
        };
        Some(Broken { relation: name.clone(), witness, refused, reads: true })
    }

    /// How it may refuse a row that it is given, in words.
    pub(super) fn refuses(&self, may_drop: bool) -> Option<String> {
        if !["sql", "plpgsql"].contains(&self.language.as_str()) {
            return Some(format!("it is written in {}", self.language));
        }
        let found = tokens(&self.source);
        let is = |place: usize, word: &str| found.get(place).is_some_and(|token: &Token<'_>| token.is(word));
        let levels = ["debug", "log", "info", "notice", "warning"];
        (0..found.len()).find_map(|place| {
            let raises = is(place, "raise") && !levels.iter().any(|level| is(place + 1, level));
            let drops = may_drop && is(place, "return") && is(place + 1, "null");
            let asserts = is(place, "assert");
            let behind = found.get(place + 1).filter(|next| next.kind == Kind::Word);
            let word = behind.map(|next| format!(" {}", next.text)).unwrap_or_default();
            (raises || drops || asserts).then(|| format!("`{}{word}`", found[place].text))
        })
    }
}

fn shown(settings: &str) -> &str {
    if settings.is_empty() { "none" } else { settings }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn function(source: &str) -> Function {
        Function {
            name: "f".to_owned(),
            source: source.to_owned(),
            language: "plpgsql".to_owned(),
            ..Function::default()
        }
    }

    #[test]
    fn what_can_refuse_a_row_is_taken_for_one_that_does() {
        let how = |source: &str, may_drop| function(source).refuses(may_drop);
        assert_eq!(
            how("BEGIN IF NEW.a = 1 THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END", false).unwrap(),
            "`RAISE EXCEPTION`"
        );
        assert!(
            how("BEGIN RAISE 'no'; END", false).is_some()
                && how("BEGIN ASSERT NEW.a > 1; END", false).is_some()
        );
        assert!(how("BEGIN RAISE NOTICE 'x'; RETURN NEW; END", true).is_none());
        assert!(
            how("BEGIN RETURN NULL; END", true).is_some() && how("BEGIN RETURN NULL; END", false).is_none()
        );
        assert!(how("-- raise\nBEGIN PERFORM 'raise'; RETURN NEW; END", true).is_none());
    }

    #[test]
    fn who_ran_it_with_other_rights_feels_it() {
        let definer = Function { is_definer: true, ..function("a") };
        assert!(definer.felt(&function("a"), &[], false).is_some());
        assert!(function("a").felt(&definer, &[], false).is_none());
        assert!(function("a").felt(&function("b"), &[], false).is_none());
    }
}
