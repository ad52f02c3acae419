//! Why a statement cannot be split into batches: the result would differ.

use tokio_postgres::{Client, Error};

use super::Batched;
use crate::class::fold;

/// What a person can do about it.
const INSTEAD: &str = "compute the values into a new table or column first and fill from there; or run it in one \
                       piece: replace phase = \"backfill\" in metadata.toml by accept = \"…\" with the reason \
                       why that is safe";

impl Batched {
    /// The table without its schema.
    fn bare(&self) -> String {
        let table = self.table.trim_start_matches("ONLY ").trim_end_matches('*').trim();
        fold(table.rsplit('.').next().unwrap_or(table))
    }

    /// What its text alone says against batches.
    pub(crate) fn why_whole(&self) -> Option<String> {
        let reads = &self.reads;
        let why = if let Some(form) = reads.form {
            form.to_owned()
        } else if reads.relations.contains(&self.bare()) {
            format!(
                "it reads {} while changing it: a batch would read what earlier batches wrote",
                self.table
            )
        } else if let Some(moment) = &reads.moment {
            if self.only_fills() && moment != "'now'" && !self.decides_by_the_moment() {
                return None;
            }
            format!("{moment} is the same for a whole statement but differs between batches")
        } else {
            return None;
        };
        Some(because(&why))
    }

    /// Whether it sets nothing but what is NULL: each row gets its value once, whenever that is.
    fn only_fills(&self) -> bool {
        !self.assigned.is_empty() && self.assigned.iter().all(|column| self.reads.filled.contains(column))
    }

    /// Columns that it sets to something else each time.
    pub(crate) fn filled_by_chance(&self) -> Vec<String> {
        let is_by_chance = self.reads.moment.is_some() || !self.reads.functions.is_empty();
        if is_by_chance && self.only_fills() { self.assigned.clone() } else { Vec::new() }
    }

    fn decides_by_the_moment(&self) -> bool {
        let condition = self.condition().to_lowercase();
        self.reads.moment.as_ref().is_some_and(|moment| condition.contains(moment.as_str()))
    }
}

fn because(why: &str) -> String {
    format!("it cannot be cut into batches: {why}; {INSTEAD}")
}

/// The same with what the catalogue knows: functions, views, partitions, triggers, constraints.
pub(super) async fn why(client: &Client, batched: &Batched) -> Result<Option<String>, Error> {
    if let Some(why) = batched.why_whole() {
        return Ok(Some(why));
    }
    let functions: Vec<&str> = batched.reads.functions.iter().map(String::as_str).collect();
    let deciding: Vec<&str> = batched.reads.deciding.iter().map(String::as_str).collect();
    let relations: Vec<&str> = batched.reads.relations.iter().map(String::as_str).collect();
    let table = batched.table.trim_start_matches("ONLY ").trim_end_matches('*').trim();
    let row = client
        .query_one(
            include_str!("whole.sql"),
            &[
                &table,
                &functions,
                &deciding,
                &batched.only_fills(),
                &relations,
                &batched.assigned,
                &batched.is_delete,
            ],
        )
        .await?;
    Ok(row.get::<_, Option<String>>(0).map(|why| because(&why)))
}
