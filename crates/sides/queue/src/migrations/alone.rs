//! The queue's part of the chassis' migrations: under their names, so that a database that has those has these, and without
//! anybody else's tables and without a word on who may call what.

use std::borrow::Cow;

use diesel::{
    connection::BoxableConnection,
    migration::{Migration, MigrationMetadata, MigrationName, MigrationSource, MigrationVersion, Result},
    pg::Pg,
};
use schema::queue_texts::QUEUE;

/// The queue's own migrations, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct Migrations(pub(super) ());

/// One of the [`Migrations`], for a tool that takes SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationText {
    /// Its name, which begins with a time: they are applied in the order of their names.
    pub name: &'static str,
    /// What it does. Applied again, or where the chassis' own migrations did it, it does nothing.
    pub sql: String,
    /// Whether it may run in a transaction, as those that build an index while jobs come and go may not: each of these is
    /// one statement, to be sent alone.
    pub in_transaction: bool,
}

impl Migrations {
    /// Their texts, for sqlx, tokio-postgres and whatever else applies SQL. Names and texts of released ones never change.
    ///
    /// ```no_run
    /// # async fn example(client: tokio_postgres::Client) -> Result<(), tokio_postgres::Error> {
    /// for migration in sides_queue::migrations().texts() {
    ///     client.batch_execute(&migration.sql).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn texts(&self) -> Vec<MigrationText> {
        let text = |(name, text): &(&'static str, &str)| MigrationText {
            name,
            sql: once(name, &own_part(name, text)),
            in_transaction: !text.contains("CONCURRENTLY"),
        };
        QUEUE.iter().map(text).collect()
    }
}

/// The journal of what people did to jobs is the chassis'.
const NOTE_JOBS: &str = "\
CREATE FUNCTION sides.note_jobs(action text, jobs jsonb, count bigint, asked_by text, reason text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT';

";

/// Where what is not the queue's own begins, and where it ends.
const FOREIGN: [(&str, &str, &str); 2] = [
    ("jobs_by_hand", "CREATE FUNCTION sides.note_jobs", "-- Jobs that were given up"),
    ("one_row_costs_one_row", "CREATE FUNCTION sides.refuse_moment", ""),
];

/// What of a migration is not the queue's own: the part of a text, and who may call its functions.
pub(super) fn foreign_part<'a>(name: &str, text: &'a str) -> (&'a str, &'a str) {
    let rights = text.rfind("REVOKE EXECUTE ON FUNCTION").unwrap_or(text.len());
    let named = FOREIGN.iter().find(|(ending, ..)| name.ends_with(ending));
    let part = named.and_then(|(_, begin, end)| {
        let begin = text.find(begin)?;
        let length = if end.is_empty() { rights - begin } else { text[begin..].find(end)? };
        Some(&text[begin..begin + length])
    });
    (part.unwrap_or_default(), &text[rights..])
}

fn own_part<'a>(name: &str, text: &'a str) -> Cow<'a, str> {
    let (part, rights) = foreign_part(name, text);
    let text = &text[..text.len() - rights.len()];
    if part.is_empty() {
        return text.into();
    }
    text.replace(part, if name.ends_with("jobs_by_hand") { NOTE_JOBS } else { "" }).into()
}

/// What is there when a migration has been applied.
fn made(name: &str) -> &'static str {
    match name.split_once('_').map_or(name, |(_, what)| what) {
        "queue" => "to_regprocedure('sides.notify_runners()')",
        "history_one_table_at_a_time" => "to_regprocedure('sides.keep_history(interval, text)')",
        "jobs_for_any_language" => "to_regproc('sides.give_back')",
        "jobs_by_hand" => "to_regproc('sides.note_jobs')",
        "one_row_costs_one_row" => "to_regproc('sides.refuse_job')",
        "runner_sessions" => "to_regclass('sides.runner_sessions')",
        "jobs_come_and_go" => "to_regproc('sides.notify_runners_of_past')",
        "claims_go_on" => "to_regclass('sides.claim_places')",
        // The next one ends that index.
        "what_a_worker_holds" => "nullif(to_regclass('sides.fang_tasks_in_progress') IS NULL, false)",
        "job_notes" => "to_regclass('sides.job_notes')",
        "any_worker_is_missed" => "to_regproc('sides.hold')",
        other => panic!("nothing is known that tells whether {other} was applied"),
    }
}

/// The same, and nothing where it was done before.
fn once(name: &str, text: &str) -> String {
    if text.contains("CONCURRENTLY") {
        return text
            .replace("CREATE INDEX CONCURRENTLY", "CREATE INDEX CONCURRENTLY IF NOT EXISTS")
            .replace("DROP INDEX CONCURRENTLY", "DROP INDEX CONCURRENTLY IF EXISTS");
    }
    let schema = if name.ends_with("_queue") { "CREATE SCHEMA IF NOT EXISTS sides;\n" } else { "" };
    let made = made(name);
    format!(
        "DO $once$\nBEGIN\n    IF {made} IS NULL THEN EXECUTE $queue$\n{schema}{text}\n$queue$;\n    END IF;\nEND\n$once$;\n"
    )
}

impl MigrationSource<Pg> for Migrations {
    fn migrations(&self) -> Result<Vec<Box<dyn Migration<Pg>>>> {
        Ok(self.texts().into_iter().map(|text| Box::new(Own(text)) as Box<dyn Migration<Pg>>).collect())
    }
}

struct Own(MigrationText);

impl Migration<Pg> for Own {
    fn run(&self, connection: &mut dyn BoxableConnection<Pg>) -> Result<()> {
        Ok(connection.batch_execute(&self.0.sql)?)
    }

    fn revert(&self, _: &mut dyn BoxableConnection<Pg>) -> Result<()> {
        Err("the queue's migrations have no way back; DROP SCHEMA sides CASCADE removes it with all jobs"
            .into())
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        &self.0
    }

    fn name(&self) -> &dyn MigrationName {
        &self.0
    }
}

impl MigrationMetadata for MigrationText {
    fn run_in_transaction(&self) -> bool {
        self.in_transaction
    }
}

impl std::fmt::Display for MigrationText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl MigrationName for MigrationText {
    /// As diesel reads it from a folder's name.
    fn version(&self) -> MigrationVersion<'_> {
        let time = self.name.split('_').next().unwrap_or_default();
        time.replace('-', "").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_part_and_nobody_elses() {
        let texts = Migrations(()).texts();
        for text in &texts {
            let says = |word: &str| text.sql.contains(word);
            assert!(
                !says("REVOKE") && !says("INTO sides.actions") && !says("stored_schedules"),
                "{}",
                text.name
            );
        }
        assert!(texts.iter().any(|text| !text.in_transaction));
        assert_eq!(texts[0].version(), "20261123000200".into());
    }
}
