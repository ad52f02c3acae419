//! Who is signed in, where and since when: the rows of `sides.sessions`.

use chrono::{DateTime, TimeDelta, Utc};
use database::Moment;
use diesel::{dsl::now, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::tables::sessions::dsl;

/// How long a session lasts.
pub const LIFE: TimeDelta = TimeDelta::days(30);
/// How long an ended one is remembered.
const KEPT: TimeDelta = TimeDelta::days(30);
/// How exact "last seen" is.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);
const CLIENT_LIMIT: usize = 200;

/// A session as it is listed.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = crate::tables::sessions, check_for_backend(diesel::pg::Pg))]
pub struct Session {
    /// Made when it was opened.
    pub id: Uuid,
    /// From where.
    pub address: String,
    /// By which program, as it says.
    pub client: String,
    /// By the database's clock.
    #[diesel(deserialize_as = Moment)]
    pub opened_at: DateTime<Utc>,
    /// By the database's clock, to a minute.
    #[diesel(deserialize_as = Moment)]
    pub seen_at: DateTime<Utc>,
}

/// What a new session is made of.
pub struct Opening<'a> {
    /// The application's site; several may share a database.
    pub site: &'a str,
    /// A digest of the cookie.
    pub cookie: Vec<u8>,
    /// Tells apart which secret opened it.
    pub proof: Vec<u8>,
    /// From where.
    pub address: &'a str,
    /// By which program, as it says.
    pub client: &'a str,
}

/// Opens a session, and forgets those that ended long ago.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn open(c: &mut AsyncPgConnection, opening: &Opening<'_>) -> QueryResult<Uuid> {
    let forgotten = Utc::now() - KEPT;
    diesel::delete(dsl::sessions)
        .filter(dsl::ends_at.lt(forgotten).or(dsl::ended_at.lt(forgotten)))
        .execute(c)
        .await?;
    let id = Uuid::now_v7();
    let client: String = opening.client.chars().filter(|c| !c.is_control()).take(CLIENT_LIMIT).collect();
    diesel::insert_into(dsl::sessions)
        .values((
            dsl::id.eq(id),
            dsl::site.eq(opening.site),
            dsl::cookie.eq(&opening.cookie),
            dsl::proof.eq(&opening.proof),
            dsl::address.eq(opening.address),
            dsl::client.eq(client),
            dsl::ends_at.eq(Utc::now() + LIFE),
        ))
        .execute(c)
        .await?;
    Ok(id)
}

/// The session of a cookie, if it is open: its id, and the proof of the secret that opened it.
///
/// # Errors
/// When the database is unavailable.
pub async fn find(
    c: &mut AsyncPgConnection,
    site: &str,
    cookie: &[u8],
) -> QueryResult<Option<(Uuid, Vec<u8>)>> {
    let found: Option<(Uuid, Vec<u8>, Moment)> = dsl::sessions
        .filter(dsl::cookie.eq(cookie))
        .filter(dsl::site.eq(site))
        .filter(dsl::ended_at.is_null())
        .filter(dsl::ends_at.gt(now))
        .select((dsl::id, dsl::proof, dsl::seen_at))
        .first(c)
        .await
        .optional()?;
    let Some((id, proof, seen_at)) = found else { return Ok(None) };
    if Utc::now() - seen_at.nearest() > SEEN_EVERY {
        diesel::update(dsl::sessions.find(id)).set(dsl::seen_at.eq(now)).execute(c).await?;
    }
    Ok(Some((id, proof)))
}

/// Those that are open, the last seen first.
///
/// # Errors
/// When the database is unavailable.
pub async fn open_ones(c: &mut AsyncPgConnection, site: &str) -> QueryResult<Vec<Session>> {
    dsl::sessions
        .filter(dsl::site.eq(site))
        .filter(dsl::ended_at.is_null())
        .filter(dsl::ends_at.gt(now))
        .order(dsl::seen_at.desc())
        .limit(200)
        .select(Session::as_select())
        .load(c)
        .await
}

/// Ends a session. Whether it was open.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn end(c: &mut AsyncPgConnection, site: &str, id: Uuid, by: &str) -> QueryResult<bool> {
    let ended = diesel::update(dsl::sessions.find(id))
        .filter(dsl::site.eq(site))
        .filter(dsl::ended_at.is_null())
        .set((dsl::ended_at.eq(now), dsl::ended_by.eq(by)))
        .execute(c)
        .await?;
    Ok(ended > 0)
}

/// Ends all of a site but one. Returns how many.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn end_others(c: &mut AsyncPgConnection, site: &str, but: Uuid, by: &str) -> QueryResult<usize> {
    diesel::update(dsl::sessions)
        .filter(dsl::site.eq(site))
        .filter(dsl::id.ne(but))
        .filter(dsl::ended_at.is_null())
        .set((dsl::ended_at.eq(now), dsl::ended_by.eq(by)))
        .execute(c)
        .await
}
