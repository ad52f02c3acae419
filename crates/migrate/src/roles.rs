//! The database roles that keep a process to what it needs.

use diesel_async::{AsyncConnection as _, RunQueryDsl as _, SimpleAsyncConnection as _};

/// Makes the role `sides_clock`, which has rights in schema `sides` and none in `public`.
///
/// Roles belong to the whole server, so databases of one server share it; its rights are per database.
/// Without the right to make roles nothing happens: the clock then acts with the user's own rights and says
/// so in its log.
///
/// # Errors
/// When the database is away.
pub async fn ensure_roles(connection: &mut database::Connection) -> Result<(), diesel::result::Error> {
    connection
        .transaction(async |transaction| {
            // Two databases of one server may come here at the same moment.
            diesel::sql_query("SELECT pg_advisory_xact_lock(hashtext('sides.roles'))")
                .execute(transaction)
                .await?;
            transaction.batch_execute(include_str!("roles.sql")).await
        })
        .await
}
