//! What the controllers found and did, and how memory grows.

use ::schema::actions;
use database::Connection;
use diesel::QueryResult;

pub(crate) use ::schema::{
    actions::Action,
    memory_trends::{Trend, current as trends},
};

/// How many actions the page shows.
const SHOWN: u16 = 30;

/// The last ones, the last first.
pub(crate) async fn actions(connection: &mut Connection) -> QueryResult<Vec<Action>> {
    actions::latest(connection, SHOWN, &[]).await
}

/// How many instances there were and should be, where it is about that.
pub(crate) fn sizes(action: &Action) -> Option<String> {
    let number =
        |key: &str| action.measured.get(key).filter(|number| number.is_number()).map(ToString::to_string);
    Some(format!("{} → {}", number("from")?, number("to")?))
}
