//! An incident: what went wrong, from when to when.

use chrono::{DateTime, Utc};
use database::{Moment, OptionalMoment};
use diesel::prelude::*;

use crate::schema::incidents;

/// A time during which a service was down.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = incidents, check_for_backend(diesel::pg::Pg))]
pub struct Incident {
    /// Its key.
    pub id: i64,
    /// The service.
    pub service_id: i64,
    /// When enough pings had failed.
    #[diesel(deserialize_as = Moment)]
    pub opened_at: DateTime<Utc>,
    /// When a ping was good again.
    #[diesel(deserialize_as = OptionalMoment)]
    pub closed_at: Option<DateTime<Utc>>,
    /// Why, as a fixed word.
    pub error_kind: String,
    /// Why, for people.
    pub error: String,
}
