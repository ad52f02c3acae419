//! Sessions in the database: opened, seen, listed, ended.

use chrono::{DateTime, TimeDelta, Utc};
use database::Connection;
use diesel::{dsl::now, prelude::*};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::schema::sessions::dsl;

/// How long a session lasts.
pub(super) const LIFE: TimeDelta = TimeDelta::days(30);
/// How long an ended one is remembered.
const KEPT: TimeDelta = TimeDelta::days(30);
/// How exact "last seen" is.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);
const CLIENT_LIMIT: usize = 200;

/// A session as it is listed.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = crate::schema::sessions, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Session {
    pub(crate) id: Uuid,
    pub(crate) address: String,
    pub(crate) client: String,
    pub(crate) opened_at: DateTime<Utc>,
    pub(crate) seen_at: DateTime<Utc>,
}

/// What a new session is made of.
pub(crate) struct Opening<'a> {
    pub(crate) site: &'a str,
    pub(crate) cookie: Vec<u8>,
    pub(crate) proof: Vec<u8>,
    pub(crate) address: &'a str,
    pub(crate) client: &'a str,
}

/// Opens a session, and forgets those that ended long ago.
pub(crate) async fn open(c: &mut Connection, opening: &Opening<'_>) -> QueryResult<Uuid> {
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
pub(crate) async fn find(
    c: &mut Connection,
    site: &str,
    cookie: &[u8],
) -> QueryResult<Option<(Uuid, Vec<u8>)>> {
    let found: Option<(Uuid, Vec<u8>, DateTime<Utc>)> = dsl::sessions
        .filter(dsl::cookie.eq(cookie))
        .filter(dsl::site.eq(site))
        .filter(dsl::ended_at.is_null())
        .filter(dsl::ends_at.gt(now))
        .select((dsl::id, dsl::proof, dsl::seen_at))
        .first(c)
        .await
        .optional()?;
    let Some((id, proof, seen_at)) = found else { return Ok(None) };
    if Utc::now() - seen_at > SEEN_EVERY {
        diesel::update(dsl::sessions.find(id)).set(dsl::seen_at.eq(now)).execute(c).await?;
    }
    Ok(Some((id, proof)))
}

/// Those that are open, the last seen first.
pub(crate) async fn open_ones(c: &mut Connection, site: &str) -> QueryResult<Vec<Session>> {
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
pub(crate) async fn end(c: &mut Connection, site: &str, id: Uuid, by: &str) -> QueryResult<bool> {
    let ended = diesel::update(dsl::sessions.find(id))
        .filter(dsl::site.eq(site))
        .filter(dsl::ended_at.is_null())
        .set((dsl::ended_at.eq(now), dsl::ended_by.eq(by)))
        .execute(c)
        .await?;
    Ok(ended > 0)
}

/// Ends all of a site but one. Returns how many.
pub(crate) async fn end_others(c: &mut Connection, site: &str, but: Uuid, by: &str) -> QueryResult<usize> {
    diesel::update(dsl::sessions)
        .filter(dsl::site.eq(site))
        .filter(dsl::id.ne(but))
        .filter(dsl::ended_at.is_null())
        .set((dsl::ended_at.eq(now), dsl::ended_by.eq(by)))
        .execute(c)
        .await
}
