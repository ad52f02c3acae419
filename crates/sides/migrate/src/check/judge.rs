//! Turns what was read and what was observed into findings.

use std::collections::BTreeMap;

use super::{Finding, is_opaque, opaque::words};
use crate::{
    Migration,
    class::{Class, Facts, Lock, Phase, Reason, Seen},
    recipe::{Instead, instead},
    shadow::{Reach, reach},
    sql::Statement,
};

/// What a judgement is about.
pub(crate) struct Given<'a> {
    pub(crate) migration: &'a Migration,
    pub(crate) statement: &'a Statement,
    pub(crate) known: &'a Facts,
    /// Whether it was not run, because it reaches too far.
    pub(crate) skipped: bool,
    /// Whether anything was seen of it.
    pub(crate) shows: bool,
}

/// What was seen counts more than what was read; what shows nothing and is not understood is refused.
pub(crate) fn judged(given: &Given<'_>, class: Class, seen: &Seen, held: &BTreeMap<String, Lock>) -> Finding {
    let Given { migration, statement, known, skipped, shows } = given;
    let text = &statement.text;
    let alone = class.clone().seen(seen, &BTreeMap::new());
    let mut class = class.seen(seen, held);
    let reach = reach(text);
    if *skipped {
        let reason = if reach == Reach::Elsewhere { Reason::Elsewhere } else { Reason::WholeServer };
        class = class.refused(reason);
    }
    let takes = |word: &String| ["alter", "drop", "revoke", "reassign"].contains(&word.as_str());
    if reach > Reach::Database && words(text).iter().any(takes) {
        class.phase = class.phase.max(Phase::Contract);
    }
    if !statement.understood && !shows && !skipped {
        class = class.refused(seen.unseen.unwrap_or(Reason::NotUnderstood));
    }
    if let Some(reason) = seen.unseen {
        class = class.refused(reason);
    }
    let metadata = migration.metadata();
    let is_batched = metadata.phase == Some(Phase::Backfill) && !is_opaque(text);
    if is_batched && class.refused == Some(Reason::Unbatched) {
        class.refused = None;
    }
    let instead = class.refused.map(|reason| match reason {
        Reason::BehindLock if alone.refused.is_none() => Instead::Statements(vec![text.clone()]),
        Reason::WholeServer | Reason::Elsewhere | Reason::NotTried | Reason::NotUnderstood => {
            Instead::Advice("if it is correct, say why with accept = \"…\" in metadata.toml".to_owned())
        }
        Reason::Restarts => Instead::Advice(
            "write AS IDENTITY (START WITH …) with a number above those of all rows, or give it one behind in the same \
             migration: SELECT setval(pg_get_serial_sequence('…', '…'), max(…)) FROM …"
                .to_owned(),
        ),
        _ if is_opaque(text) => Instead::Advice(
            "write it as separate statements, so that each can be made safe; or say why it may run with accept = \
             \"…\" in metadata.toml"
                .to_owned(),
        ),
        _ => instead(text, known),
    });
    Finding {
        line: statement.line,
        statement: statement.summary(),
        accepted: class.refused.and_then(|_| metadata.accept.clone()),
        class,
        witness: None,
        instead,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::statements;

    fn refused(text: &str, shows: bool, metadata: &str) -> (Option<Reason>, bool) {
        let migration = Migration::new("1_m", text, "").with_metadata(metadata).unwrap();
        let statement = &statements(text)[0];
        let known = Facts::default();
        let given = Given { migration: &migration, statement, known: &known, skipped: false, shows };
        let finding = judged(&given, Class::unnoticed(), &Seen::default(), &BTreeMap::new());
        (finding.class.refused, finding.is_refused())
    }

    #[test]
    fn what_is_not_understood_and_shows_nothing_is_refused_unless_accepted() {
        assert_eq!(refused("FROBNICATE t", false, ""), (Some(Reason::NotUnderstood), true));
        assert_eq!(refused("FROBNICATE t", true, ""), (None, false));
        assert_eq!(refused("FROBNICATE t", false, "accept = \"why\""), (Some(Reason::NotUnderstood), false));
        assert_eq!(refused("SELECT 1", false, ""), (None, false));
    }
}
