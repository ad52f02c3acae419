//! How far the claims of runners have come, for those that start.

use chrono::{DateTime, Utc};
use tokio_postgres::types::Timestamp;
use uuid::Uuid;

use super::{
    super::position::Position,
    super::session::{Session, SessionError},
};

const NEWEST: &str = "\
SELECT priority, due, id FROM unnest(
    (SELECT priorities FROM sides.claim_places WHERE place = hashtextextended('runners', 0) ORDER BY noted_at DESC LIMIT 1),
    (SELECT due FROM sides.claim_places WHERE place = hashtextextended('runners', 0) ORDER BY noted_at DESC LIMIT 1),
    (SELECT ids FROM sides.claim_places WHERE place = hashtextextended('runners', 0) ORDER BY noted_at DESC LIMIT 1)
) AS level (priority, due, id)";

/// Where the claims of other runners were when one of them noted it last, in each priority.
pub(crate) async fn newest(session: &mut Session) -> Result<Vec<Position>, SessionError> {
    let rows = session.query(NEWEST, &[]).await?;
    // A row that holds anything else is no hint.
    let read = |row: &tokio_postgres::Row| {
        let Ok(Timestamp::Value(due)) = row.try_get::<_, Timestamp<DateTime<Utc>>>(1) else { return None };
        Some((row.try_get(0).ok()?, due, row.try_get(2).ok()?))
    };
    Ok(rows.iter().filter_map(read).collect())
}

const NOTE: &str = "\
WITH old AS (
    DELETE FROM sides.claim_places WHERE place = hashtextextended('runners', 0) AND noted_at < now() - interval '1 minute'
        AND random() < 0.02
)
INSERT INTO sides.claim_places (place, looked_at, took, priorities, due, ids)
VALUES (hashtextextended('runners', 0), now(), '0', $1, $2, $3)";

/// Notes where the claims of this runner are.
pub(crate) async fn note(session: &mut Session, places: &[Position]) -> Result<(), SessionError> {
    let priorities: Vec<i16> = places.iter().map(|place| place.0).collect();
    let due: Vec<DateTime<Utc>> = places.iter().map(|place| place.1).collect();
    let ids: Vec<Uuid> = places.iter().map(|place| place.2).collect();
    session.execute(NOTE, &[&priorities, &due, &ids]).await.map(drop)
}
