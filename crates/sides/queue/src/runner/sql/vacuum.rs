//! Dead rows of the table of jobs.

use super::super::session::{Session, SessionError};

/// What the statistics say of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) dead: i64,
    pub(crate) live: i64,
    /// The role that this session acts as has fewer rights than the user that logged in.
    pub(crate) needs_own_rights: bool,
}

const TABLE: &str = "\
SELECT coalesce(n_dead_tup, 0), coalesce(n_live_tup, 0), current_user <> session_user,
    pg_has_role(session_user, relowner, 'USAGE') OR pg_has_role(session_user, datdba, 'USAGE')
        OR CASE WHEN current_setting('server_version_num')::integer >= 170000
            THEN has_table_privilege(session_user, pg_class.oid, 'MAINTAIN') ELSE false END
FROM pg_class JOIN pg_database ON datname = current_database()
LEFT JOIN pg_stat_user_tables ON relid = pg_class.oid
WHERE pg_class.oid = 'sides.fang_tasks'::regclass";

/// How many rows are dead; `None` when the user may not vacuum the table.
pub(crate) async fn table(session: &mut Session) -> Result<Option<Table>, SessionError> {
    let rows = session.query(TABLE, &[]).await?;
    let may = |row: &&tokio_postgres::Row| row.get::<_, bool>(3);
    Ok(rows.first().filter(may).map(|row| Table {
        dead: row.get(0),
        live: row.get(1),
        needs_own_rights: row.get(2),
    }))
}

/// Leaves the table's end alone, as cutting it off would lock everybody out, and gives way to another vacuum.
const VACUUM: &str = "VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, SKIP_LOCKED, PARALLEL 0) sides.fang_tasks";

/// Removes dead rows, unless somebody else is about it.
pub(crate) async fn vacuum(session: &mut Session, with_own_rights: bool) -> Result<(), SessionError> {
    if with_own_rights {
        session.execute("SET ROLE NONE", &[]).await?;
    }
    let done = session.execute(VACUUM, &[]).await.map(drop);
    if with_own_rights {
        session.execute("RESET ROLE", &[]).await?;
    }
    done
}
