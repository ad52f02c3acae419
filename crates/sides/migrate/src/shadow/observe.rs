//! What a transaction has done so far, read from within: locks, files, rows.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Client, Error, Row, SimpleQueryMessage};

use crate::class::{Lock, Seen};

/// One relation that the transaction has a lock on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Relation {
    lock: Option<Lock>,
    /// `pg_class.relkind`; none of one that was dropped.
    kind: Option<char>,
    file: u32,
    /// The table of an index.
    of: Option<u32>,
    scans: i64,
    added: i64,
    changed: i64,
}

/// What is locked, and what was counted since the session last reported its counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reading(BTreeMap<u32, Relation>);

/// A relation as others see it: as it was before the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// Without `public`.
    pub(crate) name: String,
    kind: char,
    file: u32,
}

/// In one round trip, and prepared by nobody: a migration may deallocate everything.
const READING: &str = "
    SELECT l.relation, l.modes, c.relkind, c.relfilenode, i.indrelid,
           pg_catalog.pg_stat_get_xact_numscans(l.relation), pg_catalog.pg_stat_get_xact_tuples_inserted(l.relation),
           pg_catalog.pg_stat_get_xact_tuples_updated(l.relation)
               + pg_catalog.pg_stat_get_xact_tuples_deleted(l.relation)
    FROM (
        SELECT relation, pg_catalog.string_agg(mode, ' ') AS modes FROM pg_catalog.pg_locks
        WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'relation' AND granted AND relation >= 16384
          AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
        GROUP BY relation
    ) AS l
    LEFT JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
    LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = l.relation";

/// What earlier transactions of the session left to be reported.
const COUNTS: &str = "
    SELECT c.oid, NULL, NULL, 0, NULL, pg_catalog.pg_stat_get_xact_numscans(c.oid),
           pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid),
           pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)
    FROM pg_catalog.pg_class AS c
    WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm', 'p')
      AND (pg_catalog.pg_stat_get_xact_numscans(c.oid) > 0 OR pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) > 0
           OR pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) > 0
           OR pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) > 0)";

impl Reading {
    /// The state of the session's transaction.
    pub(crate) async fn now(client: &Client) -> Result<Self, Error> {
        Self::read(client, READING).await
    }

    /// Begins a transaction, and says what to subtract from later readings.
    pub(crate) async fn begin(client: &Client) -> Result<Self, Error> {
        Self::read(client, &format!("BEGIN; {COUNTS}")).await
    }

    /// What to subtract from later readings.
    pub(crate) async fn base(client: &Client) -> Result<Self, Error> {
        Self::read(client, COUNTS).await
    }

    async fn read(client: &Client, question: &str) -> Result<Self, Error> {
        let mut found = BTreeMap::new();
        for message in client.simple_query(question).await? {
            let SimpleQueryMessage::Row(row) = message else { continue };
            let number = |place: usize| row.get(place).and_then(|text| text.parse::<i64>().ok());
            let oid = |place: usize| number(place).and_then(|oid| u32::try_from(oid).ok());
            let modes = row.get(1).unwrap_or_default();
            let relation = Relation {
                lock: modes.split(' ').filter_map(Lock::parse).max(),
                kind: row.get(2).and_then(|kind| kind.chars().next()),
                file: oid(3).unwrap_or_default(),
                of: oid(4),
                scans: number(5).unwrap_or_default(),
                added: number(6).unwrap_or_default(),
                changed: number(7).unwrap_or_default(),
            };
            found.extend(oid(0).map(|own| (own, relation)));
        }
        Ok(Self(found))
    }

    /// Keeps the counts of what is not locked yet: they are the session's, not the transaction's.
    pub(crate) fn with_counts_of(mut self, before: &Self) -> Self {
        for (oid, counted) in &before.0 {
            let idle = || Relation { lock: None, kind: None, file: 0, ..counted.clone() };
            self.0.entry(*oid).or_insert_with(idle);
        }
        self
    }

    /// Without the rows that were changed since.
    pub(crate) fn without_rows_of(mut self, before: &Self) -> Self {
        for (oid, relation) in &mut self.0 {
            let was = before.0.get(oid);
            relation.changed = was.map_or(0, |was| was.changed);
            relation.added = was.map_or(0, |was| was.added);
        }
        self
    }

    /// How many rows of each relation were changed or deleted since.
    pub(crate) fn changed_since(&self, before: &Self) -> impl Iterator<Item = (u32, i64)> {
        let was = |oid: &u32| before.0.get(oid).map_or(0, |was| was.changed);
        self.0.iter().map(move |(oid, now)| (*oid, now.changed - was(oid))).filter(|(_, rows)| *rows > 0)
    }

    /// How many rows a relation got since.
    pub(crate) fn added_since(&self, before: &Self, oid: u32) -> i64 {
        let added = |reading: &Self| reading.0.get(&oid).map_or(0, |one| one.added);
        added(self) - added(before)
    }

    pub(crate) fn oids(&self) -> impl Iterator<Item = u32> {
        self.0.keys().copied()
    }

    /// What happened between two readings to what was there before. Its own counters start where `before` ends.
    pub(crate) fn until(&self, now: &Self, known: &BTreeMap<u32, Known>) -> Seen {
        let mut seen = Seen::default();
        let old_files: BTreeSet<u32> = known.values().map(|one| one.file).collect();
        let nothing = Relation::default();
        let name_of = |oid: Option<u32>| oid.and_then(|oid| known.get(&oid)).map(|one| one.name.clone());
        for (oid, relation) in &now.0 {
            let before = self.0.get(oid).unwrap_or(&nothing);
            let Some(known_as) = known.get(oid) else {
                // A new index of an old table; one with an old file is an old one under another number.
                let is_new = relation.kind == Some('i') && before.lock.is_none();
                let is_built = is_new && relation.file != 0 && !old_files.contains(&relation.file);
                seen.indexed.extend(name_of(relation.of).filter(|_| is_built));
                continue;
            };
            let file = if before.file == 0 { known_as.file } else { before.file };
            let has_another_file = relation.kind.is_some() && relation.file != file;
            match known_as.kind {
                'i' => seen.indexed.extend(name_of(relation.of).filter(|_| has_another_file)),
                'r' | 'p' | 'm' | 'v' | 'f' => {
                    let name = &known_as.name;
                    if let Some(lock) = relation.lock.filter(|_| relation.lock > before.lock) {
                        seen.locks.insert(name.clone(), lock);
                    }
                    if has_another_file {
                        seen.rewritten.insert(name.clone());
                    }
                    if relation.scans > before.scans {
                        seen.scanned.insert(name.clone());
                    }
                    if relation.changed > before.changed {
                        seen.changed.insert(name.clone(), relation.changed - before.changed);
                    }
                    if relation.added > before.added {
                        seen.added.insert(name.clone(), relation.added - before.added);
                    }
                }
                _ => {}
            }
        }
        seen
    }
}

/// How another session sees relations: those that are not there yet are left out, as are the runner's own.
pub(crate) const KNOWN: &str = "
    SELECT c.oid, CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname, c.relkind, c.relfilenode
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = ANY ($1) AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_toast', 'sides_migrate')
      AND c.relname NOT LIKE '\\_\\_diesel\\_schema\\_migrations%'";

/// What was said to that.
pub(crate) fn known(rows: &[Row]) -> BTreeMap<u32, Known> {
    let known = |row: &Row| {
        let kind: i8 = row.get(2);
        Known { name: row.get(1), kind: char::from(kind.unsigned_abs()), file: row.get(3) }
    };
    rows.iter().map(|row| (row.get(0), known(row))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> BTreeMap<u32, Known> {
        let one = |name: &str, kind, file| Known { name: name.to_owned(), kind, file };
        BTreeMap::from([(1, one("t", 'r', 10)), (2, one("t_a", 'i', 20))])
    }

    fn reading(relations: &[(u32, Relation)]) -> Reading {
        Reading(relations.iter().cloned().collect())
    }

    fn relation(kind: char, file: u32, of: Option<u32>) -> Relation {
        Relation { lock: Some(Lock::AccessExclusive), kind: Some(kind), file, of, ..Relation::default() }
    }

    #[test]
    fn another_file_is_a_rewrite_and_a_new_index_is_built() {
        let before = Reading::default();
        let rewritten = reading(&[(1, relation('r', 11, None)), (2, relation('i', 21, Some(1)))]);
        let seen = before.until(&rewritten, &known());
        assert!(seen.rewritten.contains("t") && seen.indexed.contains("t"), "{seen:?}");
        let built = reading(&[(1, relation('r', 10, None)), (3, relation('i', 30, Some(1)))]);
        let seen = before.until(&built, &known());
        assert!(seen.rewritten.is_empty() && seen.indexed.contains("t"), "{seen:?}");
        assert!(built.until(&built, &known()).is_nothing(), "the next statement did nothing");
    }

    #[test]
    fn an_index_that_keeps_its_file_is_not_built() {
        let dropped = Relation { kind: None, file: 0, of: None, ..relation('i', 0, None) };
        let kept = reading(&[(1, relation('r', 10, None)), (2, dropped), (3, relation('i', 20, Some(1)))]);
        assert!(Reading::default().until(&kept, &known()).indexed.is_empty());
    }

    #[test]
    fn what_is_new_is_nobodys_concern() {
        let new = reading(&[(7, Relation { scans: 3, changed: 9, ..relation('r', 70, None) })]);
        assert!(Reading::default().until(&new, &known()).is_nothing());
    }
}
