//! What a statement was observed to do, and how that changes its class. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{Class, Lock, Phase, Reason, Work};

/// What a statement did to relations that were there before its migration. Names are without `public`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The strongest lock that it took on each table, view and materialized view.
    pub(crate) locks: BTreeMap<String, Lock>,
    /// Tables that have another file since.
    pub(crate) rewritten: BTreeSet<String>,
    /// Tables of which an index was built.
    pub(crate) indexed: BTreeSet<String>,
    /// Tables that were read from end to end.
    pub(crate) scanned: BTreeSet<String>,
    /// Rows that were changed or deleted, by table.
    pub(crate) changed: BTreeMap<String, i64>,
    /// Tables of which it changes so many rows as its LIMIT says, however many there are.
    pub(crate) limited: BTreeSet<String>,
    /// Rows that were added, by table.
    pub(crate) added: BTreeMap<String, i64>,
    /// Whether it took long although the tables have few rows.
    pub(crate) is_slow: bool,
    /// Why nothing was seen of it, although it does something.
    pub(crate) unseen: Option<Reason>,
}

/// More rows than this are many; fewer may be some that are named by their keys.
const MANY: i64 = 20;

impl Seen {
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self { is_slow: self.is_slow, unseen: self.unseen, ..Self::default() }
    }

    /// Both, where the same statement was seen twice.
    pub(crate) fn with(mut self, other: Self) -> Self {
        for (name, lock) in other.locks {
            let held = self.locks.entry(name).or_insert(lock);
            *held = lock.max(*held);
        }
        self.rewritten.extend(other.rewritten);
        self.indexed.extend(other.indexed);
        self.scanned.extend(other.scanned);
        self.changed.extend(other.changed);
        self.limited.extend(other.limited);
        self.added.extend(other.added);
        self
    }

    fn changes_many(&self) -> bool {
        self.changed.iter().any(|(name, rows)| *rows >= MANY && !self.limited.contains(name))
    }

    /// Whether it did more than some rows of the catalogue: it may work for long, or wait for rows of others.
    fn works(&self) -> bool {
        !self.scanned.is_empty()
            || !self.indexed.is_empty()
            || !self.rewritten.is_empty()
            || self.locks.values().any(|lock| *lock == Lock::RowExclusive)
    }
}

impl Class {
    /// What was seen counts more than what was thought from the text. `held` is what earlier statements of the same
    /// transaction keep others out of.
    pub(crate) fn seen(mut self, seen: &Seen, held: &BTreeMap<String, Lock>) -> Self {
        let stops = |locks: &BTreeMap<String, Lock>| locks.values().any(|lock| lock.stops_writers());
        for (name, lock) in seen.locks.iter().filter(|(_, lock)| **lock > Lock::AccessShare) {
            self = self.and_on(name, *lock);
        }
        let keeps_out = stops(&self.locks);
        if !seen.rewritten.is_empty() {
            self = self.doing(Work::Rewrite).refused(Reason::Rewrite);
        } else if self.work == Work::Rewrite && self.refused == Some(Reason::Rewrite) {
            // Postgres found a way that the text does not show.
            self.work = if seen.indexed.is_empty() { Work::Nothing } else { Work::IndexBuild };
            self.refused = None;
        }
        if !seen.indexed.is_empty() && keeps_out && self.work < Work::IndexBuild {
            self = self.doing(Work::IndexBuild).refused(Reason::IndexBuild);
        }
        if !seen.scanned.is_empty() && keeps_out && self.work < Work::Scan {
            self = self.doing(Work::Scan).refused(Reason::Scan);
        }
        let is_limited = self.subject.as_ref().is_some_and(|own| seen.limited.contains(own));
        if is_limited && self.refused == Some(Reason::Unbatched) {
            self.refused = None;
        }
        if seen.changes_many() {
            self.phase = self.phase.max(Phase::Backfill);
            self = self.doing(Work::Scan).refused(Reason::Unbatched);
        } else if seen.added.values().any(|rows| *rows >= MANY) && !seen.scanned.is_empty() {
            self.phase = self.phase.max(Phase::Backfill);
            self = self.doing(Work::Scan);
        }
        if seen.is_slow && (keeps_out || stops(held)) {
            self = self.refused(Reason::Slow);
        }
        if stops(held) && (seen.works() || self.work > Work::Nothing) {
            self = self.refused(Reason::BehindLock);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn locks(locks: &[(&str, Lock)]) -> BTreeMap<String, Lock> {
        locks.iter().map(|(name, lock)| ((*name).to_owned(), *lock)).collect()
    }

    #[test]
    fn code_is_judged_by_what_it_did() {
        let none = BTreeMap::new();
        let of = |seen: &Seen| Class::unnoticed().seen(seen, &none).refused;
        let exclusive = locks(&[("t", Lock::AccessExclusive)]);
        assert_eq!(
            of(&Seen { locks: exclusive.clone(), rewritten: names(&["t"]), ..Seen::default() }),
            Some(Reason::Rewrite)
        );
        let share = locks(&[("t", Lock::Share)]);
        let built = Seen { locks: share, indexed: names(&["t"]), scanned: names(&["t"]), ..Seen::default() };
        assert_eq!(of(&built), Some(Reason::IndexBuild));
        let checked = Seen { locks: exclusive.clone(), scanned: names(&["t"]), ..Seen::default() };
        assert_eq!(of(&checked), Some(Reason::Scan));
        let update = |rows| Seen { changed: BTreeMap::from([("t".to_owned(), rows)]), ..Seen::default() };
        assert_eq!((of(&update(60)), of(&update(1))), (Some(Reason::Unbatched), None));
        let limited = Seen { limited: names(&["t"]), ..update(100) };
        assert_eq!(
            Class::on("t", Lock::RowExclusive).refused(Reason::Unbatched).seen(&limited, &none).refused,
            None
        );
        assert_eq!(
            Class::on("u", Lock::RowExclusive).refused(Reason::Unbatched).seen(&limited, &none).refused,
            Some(Reason::Unbatched)
        );
        assert_eq!(of(&Seen { locks: exclusive, ..Seen::default() }), None);
        let reads =
            Seen { locks: locks(&[("t", Lock::AccessShare)]), scanned: names(&["t"]), ..Seen::default() };
        assert_eq!(of(&reads), None, "readers keep nobody out");
    }

    #[test]
    fn work_behind_a_lock_is_refused() {
        let held = locks(&[("orders", Lock::AccessExclusive)]);
        let insert = Seen { locks: locks(&[("audit", Lock::RowExclusive)]), ..Seen::default() };
        assert_eq!(Class::unnoticed().seen(&insert, &held).refused, Some(Reason::BehindLock));
        let alter = Seen { locks: locks(&[("audit", Lock::AccessExclusive)]), ..Seen::default() };
        assert_eq!(Class::unnoticed().seen(&alter, &held).refused, None);
        let sleep = Seen { is_slow: true, ..Seen::default() };
        assert_eq!(Class::unnoticed().seen(&sleep, &held).refused, Some(Reason::Slow));
        assert_eq!(Class::unnoticed().seen(&sleep, &BTreeMap::new()).refused, None);
        let soft = locks(&[("orders", Lock::ShareUpdateExclusive)]);
        assert_eq!(Class::unnoticed().seen(&insert, &soft).refused, None);
    }
}
