//! The schedules in the database.

use anyhow::Context as _;
use database::{Connection, Json, Moment};
use diesel::{
    QueryableByName,
    sql_types::{Bool, Jsonb, Nullable, SmallInt, Text, Timestamptz},
};
use diesel_async::RunQueryDsl as _;
use schedule::{Schedule, Written};
use serde::Serialize;
use serde_json::Value;

/// One schedule.
#[derive(Debug, QueryableByName, Serialize)]
pub struct Row {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// When it is due, as its author wrote it.
    #[diesel(sql_type = Text)]
    pub expression: String,
    /// The time zone that the expression is read in.
    #[diesel(sql_type = Text)]
    pub zone: String,
    /// The kind of its jobs.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// What happens to moments that no clock was there for.
    #[diesel(sql_type = Text)]
    pub missed: String,
    /// What happens to a moment while the job of the last one still runs.
    #[diesel(sql_type = Text)]
    pub overlap: String,
    /// Only of those that were added: a clock keeps to itself what its code says.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub arguments: Option<Json>,
    /// Of the arguments, likewise.
    #[diesel(sql_type = Nullable<SmallInt>)]
    pub version: Option<i16>,
    /// Whether a person added it, and no code.
    #[diesel(sql_type = Bool)]
    pub added: bool,
    /// Who added it.
    #[diesel(sql_type = Nullable<Text>)]
    pub added_by: Option<String>,
    /// When it is due next, as a clock has announced it.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub next_due_at: Option<Moment>,
    /// When it fired last.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_fired_at: Option<Moment>,
    /// Since when it is paused.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub paused_at: Option<Moment>,
    /// Who paused it.
    #[diesel(sql_type = Nullable<Text>)]
    pub paused_by: Option<String>,
}

/// What is stored goes before what was announced of it: a clock may not have heard of a change yet.
const ALL: &str = "\
SELECT name,
    coalesce(stored.expression, announced.expression) AS expression,
    coalesce(stored.zone, announced.zone) AS zone,
    coalesce(stored.kind, announced.kind) AS kind,
    coalesce(stored.missed, announced.missed) AS missed,
    coalesce(stored.overlap, announced.overlap) AS overlap,
    stored.arguments, (to_jsonb(stored) ->> 'version')::smallint AS version, stored.name IS NOT NULL AS added, stored.changed_by AS added_by,
    CASE WHEN pause.schedule IS NULL AND (stored.name IS NULL OR stored.expression = announced.expression)
        THEN announced.next_due_at END AS next_due_at,
    last.fired_at AS last_fired_at, pause.paused_at, pause.paused_by
FROM sides.schedules AS announced
FULL JOIN sides.stored_schedules AS stored USING (name)
LEFT JOIN sides.schedule_pauses AS pause ON pause.schedule = name AND pause.resumed_at IS NULL
LEFT JOIN LATERAL (
    SELECT fired_at FROM sides.ticks WHERE schedule = name AND due_at < now() + interval '1 hour'
    ORDER BY due_at DESC LIMIT 1
) AS last ON true
WHERE name = $1 OR $1 IS NULL
ORDER BY name";

impl Row {
    /// All of them, by name.
    ///
    /// # Errors
    /// When the tables cannot be read.
    pub async fn all(connection: &mut Connection) -> anyhow::Result<Vec<Self>> {
        Self::load(connection, None).await
    }

    /// The one of this name.
    ///
    /// # Errors
    /// When the tables cannot be read.
    pub async fn find(connection: &mut Connection, name: &str) -> anyhow::Result<Option<Self>> {
        Ok(Self::load(connection, Some(name)).await?.pop())
    }

    async fn load(connection: &mut Connection, name: Option<&str>) -> anyhow::Result<Vec<Self>> {
        let query = diesel::sql_query(ALL).bind::<Nullable<Text>, _>(name);
        let rows = query.load(connection).await;
        rows.context("cannot read the schedules; is the schema up to date? run `sides migration up`")
    }

    /// The schedule, or why it never fires.
    pub fn read(&self) -> Result<Schedule, String> {
        let arguments = match &self.arguments {
            Some(json) => json.value().map_err(|error| format!("cannot read its arguments: {error}"))?,
            None => Value::Object(serde_json::Map::new()),
        };
        let written = Written {
            name: self.name.clone(),
            expression: self.expression.clone(),
            zone: self.zone.clone(),
            kind: self.kind.clone(),
            arguments,
            version: self.version.unwrap_or(1),
            missed: self.missed.clone(),
            overlap: self.overlap.clone(),
        };
        written.read_stored().map_err(|error| {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
            format!("{error}{}", source.unwrap_or_default())
        })
    }
}

/// How many instances are alive and ready that fire schedules, or have not said yet what they do.
pub async fn clocks(connection: &mut Connection) -> anyhow::Result<usize> {
    let alive = schema::instances::alive(connection).await?;
    Ok(alive.iter().filter(|one| (one.fires() || one.manifest.is_none()) && one.is_ready()).count())
}
