//! What code says to a table, by an explicit list of the columns that it has now.

use tokio_postgres::{Client, Statement};

/// A statement that a session has prepared.
pub(super) struct Spoken {
    pub(super) text: String,
    statement: Statement,
    table: String,
    place: usize,
}

/// Ids of new rows of the table with this place: others than those of other tables. Those of the partitioned one are in turn within
/// and beyond the partition that has a table of its own.
fn id(table: &str, place: usize, number: i64) -> i64 {
    let is_low = table == "parts" && number % 2 == 0;
    // Its ids count down: two sessions whose numbers differ must never meet at one id.
    if is_low { -1 - number } else { 1_000_000 * (1 + i64::try_from(place).unwrap_or(0)) + number }
}

impl Spoken {
    /// Says it for the row with this number.
    pub(super) async fn say(&self, session: &Client, number: i64) -> Result<(), String> {
        let id = id(&self.table, self.place, number);
        let done = match self.statement.params().is_empty() {
            true => session.query(&self.statement, &[]).await,
            false => session.query(&self.statement, &[&id]).await,
        };
        done.map(drop).map_err(|error| {
            let code = error.code().map_or("", |code| code.code()).to_owned();
            error
                .as_db_error()
                .map_or_else(|| error.to_string(), |said| format!("{} ({code})", said.message()))
        })
    }
}

/// Prepares what works from the start, tried with several rows in a transaction that is rolled back.
pub(super) async fn prepared(session: &Client, table: &str, place: usize) -> Vec<Spoken> {
    let mut spoken: Vec<Spoken> = Vec::new();
    // What is deferred would otherwise be checked when its row is gone again.
    session.batch_execute("BEGIN; SET CONSTRAINTS ALL IMMEDIATE").await.unwrap();
    for text in texts(session, table).await {
        session.batch_execute("SAVEPOINT one").await.unwrap();
        match session.prepare(&text).await {
            Ok(statement) => spoken.push(Spoken { text, statement, table: table.to_owned(), place }),
            Err(_) => session.batch_execute("ROLLBACK TO SAVEPOINT one").await.unwrap(),
        }
    }
    let mut fails = vec![false; spoken.len()];
    for number in [1, 2, 3, 4] {
        for (one, fails) in spoken.iter().zip(&mut fails) {
            session.batch_execute("SAVEPOINT one").await.unwrap();
            if one.say(session, number).await.is_err() {
                *fails = true;
                session.batch_execute("ROLLBACK TO SAVEPOINT one").await.unwrap();
            }
        }
    }
    session.batch_execute("ROLLBACK").await.unwrap();
    // A row that is made and never deleted would be in the next one's way.
    let is_left = spoken.iter().zip(&fails).any(|(one, fails)| *fails && one.text.starts_with("DELETE"));
    let mut fails = fails.into_iter();
    spoken.retain(|one| {
        let fails = fails.next().unwrap_or(true);
        !(fails || is_left && one.text.starts_with("INSERT"))
    });
    spoken
}

async fn texts(session: &Client, table: &str) -> Vec<String> {
    let rows = session
        .query(
            "SELECT quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), a.attgenerated = '' AND a.attidentity = '' AND d.oid IS NULL,
                    c.relkind::text
             FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
             LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE a.attrelid = to_regclass($1::text) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            &[&table],
        )
        .await
        .unwrap();
    let column = |row: &tokio_postgres::Row| row.get::<_, String>(0);
    let Some(kind) = rows.first().map(|row| row.get::<_, String>(3)) else { return Vec::new() };
    let all = rows.iter().map(column).collect::<Vec<_>>().join(", ");
    let mut texts = vec![format!("SELECT {all} FROM {table} ORDER BY 1 LIMIT 3")];
    let given: Vec<_> = rows.iter().filter(|row| row.get::<_, bool>(2)).collect();
    let has_id = rows.iter().any(|row| column(row) == "id");
    if kind == "v" || given.is_empty() || !has_id {
        return texts;
    }
    let names: Vec<String> = given.iter().map(|row| column(row)).collect();
    let values: Vec<String> = given.iter().map(|row| value(row.get(1))).collect();
    let is_given = names.iter().any(|name| name == "id");
    let own = match is_given {
        true => "WHERE id = $1::int8".to_owned(),
        false => format!("WHERE id = (SELECT max(id) FROM {table})"),
    };
    texts.push(format!(
        "INSERT INTO {table} ({}) VALUES ({}) RETURNING {all}",
        names.join(", "),
        values.join(", ")
    ));
    texts.push(format!("UPDATE {table} SET {0} = {0} {own} RETURNING {all}", names[names.len() - 1]));
    texts.push(format!("DELETE FROM {table} {own} RETURNING {all}"));
    texts
}

fn value(sql_type: &str) -> String {
    let text = match sql_type.split('(').next().unwrap_or_default() {
        "integer" | "bigint" | "numeric" => "$1::int8".to_owned(),
        "smallint" => "$1::int8 % 30000".to_owned(),
        "boolean" => "true".to_owned(),
        "text" | "character varying" => "left('v' || $1::int8, 20)".to_owned(),
        _ => return "DEFAULT".to_owned(),
    };
    format!("({text})::{sql_type}")
}
