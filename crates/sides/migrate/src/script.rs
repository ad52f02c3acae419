//! One direction of a migration as the runner sees it: statements, and whether they are one transaction.

mod enums;

use std::{collections::BTreeMap, ops::Range};

use crate::{
    MigrateError, Migration, Said, Site,
    class::{Classifier, Facts, Lock, Phase},
    sql::{Statement, statements},
};

/// `up.sql` or `down.sql`, ready to run.
#[derive(Debug)]
pub(crate) struct Script<'a> {
    pub(crate) migration: &'a Migration,
    pub(crate) direction: &'static str,
    pub(crate) file: &'static str,
    pub(crate) statements: Vec<Statement>,
    pub(crate) in_transaction: bool,
    /// Whether it runs in batches, beside the code.
    pub(crate) is_backfill: bool,
}

impl<'a> Script<'a> {
    pub(crate) fn up(migration: &'a Migration) -> Result<Self, MigrateError> {
        Self::new(migration, "up", "up.sql", migration.up())
    }

    pub(crate) fn down(migration: &'a Migration) -> Result<Self, MigrateError> {
        match migration.down() {
            Some(text) => Self::new(migration, "down", "down.sql", text),
            None => Err(MigrateError::NoWayBack { name: migration.name().to_owned() }),
        }
    }

    fn new(
        migration: &'a Migration,
        direction: &'static str,
        file: &'static str,
        text: &str,
    ) -> Result<Self, MigrateError> {
        let statements = statements(text);
        let site = |one: &Statement| Box::new(site(migration, file, one));
        if let Some(found) = statements.iter().find(|one| one.transaction_control) {
            return Err(MigrateError::OwnTransaction(site(found)));
        }
        if let Some((found, why)) = statements.iter().find_map(|one| Some((one, one.foreign?))) {
            return Err(MigrateError::NotForTheServer { site: site(found), why: why.to_string() });
        }
        let outside = statements.iter().find(|one| one.concurrent.is_some());
        if let (Some(found), Some(true)) = (outside, migration.asks_for_transaction()) {
            return Err(MigrateError::NeedsNoTransaction(site(found)));
        }
        let is_backfill = direction == "up"
            && migration.metadata().phase == Some(Phase::Backfill)
            && migration.asks_for_transaction() != Some(true);
        let in_transaction = migration.asks_for_transaction().unwrap_or(outside.is_none()) && !is_backfill;
        Ok(Self { migration, direction, file, statements, in_transaction, is_backfill })
    }

    /// Its statements by transaction, where it is not run statement by statement: one, unless it adds a value to an
    /// enum and needs it afterwards. Postgres lets nobody use a value before it is committed.
    pub(crate) fn transactions(&self) -> Vec<Range<usize>> {
        let all = self.statements.len();
        let texts: Vec<&str> = self.statements.iter().map(|one| one.text.as_str()).collect();
        let mut starts = vec![0];
        if self.migration.asks_for_transaction() != Some(true) {
            starts.extend(enums::commits_behind(&texts).iter().map(|last| last + 1));
        }
        let ends = starts[1..].iter().copied().chain([all]);
        starts.iter().zip(ends).map(|(&start, end)| start..end).collect()
    }

    /// The locks that some of its statements need at once, on what was there before.
    pub(crate) fn locks(&self, range: Range<usize>) -> BTreeMap<String, Lock> {
        let (mut classifier, mut locks) = (Classifier::default(), BTreeMap::new());
        for (index, statement) in self.statements.iter().enumerate().take(range.end) {
            let class = classifier.next(&statement.text, &Facts::default());
            if index < range.start || statement.patient {
                continue;
            }
            for (relation, lock) in class.locks {
                let held = locks.entry(relation).or_insert(lock);
                *held = lock.max(*held);
            }
        }
        locks
    }

    /// The error of a statement, with what it means for the whole.
    pub(crate) fn failed(&self, index: usize, said: Said) -> MigrateError {
        let mut site = self.site(index);
        site.line += said.lines_before(&self.statements[index].text);
        MigrateError::Statement {
            site: Box::new(site),
            said,
            outcome: self.outcome(index, "correct it and run again"),
        }
    }

    pub(crate) fn site(&self, index: usize) -> Site {
        site(self.migration, self.file, &self.statements[index])
    }

    pub(crate) fn outcome(&self, index: usize, next: &str) -> String {
        let first = match self.in_transaction {
            true => self
                .transactions()
                .iter()
                .map(|range| range.start)
                .rfind(|&start| start <= index)
                .unwrap_or(0),
            false => index,
        };
        if first == 0 {
            format!("nothing of this migration was {}; {next}", self.participle())
        } else {
            format!("{first} of its {} statements stay {}; {next}", self.statements.len(), self.participle())
        }
    }

    fn participle(&self) -> &'static str {
        if self.direction == "up" { "applied" } else { "reverted" }
    }
}

fn site(migration: &Migration, file: &'static str, statement: &Statement) -> Site {
    Site { name: migration.name().to_owned(), file, line: statement.line, statement: statement.summary() }
}
