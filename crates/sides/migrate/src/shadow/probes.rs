//! Statements of running code on the tables and views that a migration names.

use std::collections::BTreeSet;

use tokio_postgres::{Client, Error, SimpleQueryMessage};

use super::Scratch;

/// A table or view, and how code speaks to it: by an explicit list of columns, as diesel and every careful program do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) oid: u32,
    /// Without `public`.
    pub(crate) name: String,
    written: String,
    is_table: bool,
    columns: String,
    /// Columns without a default, and values for them.
    given: String,
    values: String,
    /// The same of those that code has to give.
    required: String,
    required_values: String,
    /// The same of all columns that it may give.
    all: String,
    all_values: String,
    unchanged: String,
    /// Whether it is only there for the rows that others refer to.
    pub(crate) is_filler: bool,
    /// What roles may do that do not own it.
    pub(crate) rights: BTreeSet<String>,
    /// What a view lets through to its table: as `pg_relation_is_updatable` says.
    lets: i32,
    /// As whom processes come to it, where they are no superusers.
    pub(crate) roles: Vec<String>,
}

/// Those with one of these names, and the views that read them; of every table when nobody knows the names.
pub(crate) async fn mentioned(
    scratch: &Scratch,
    words: Option<&BTreeSet<String>>,
) -> Result<Vec<Probe>, Error> {
    let words: Option<Vec<&str>> = words.map(|words| words.iter().map(String::as_str).collect());
    let rows = scratch.ask(include_str!("probes.sql"), &[&words]).await?;
    let probe = |row: &tokio_postgres::Row| Probe {
        oid: row.get(0),
        name: row.get(1),
        written: row.get(2),
        is_table: row.get(3),
        columns: row.get(4),
        given: row.get(5),
        values: row.get(6),
        required: row.get(7),
        required_values: row.get(8),
        all: row.get(9),
        all_values: row.get(10),
        unchanged: row.get(11),
        is_filler: row.get(12),
        rights: row.get::<_, Vec<String>>(13).into_iter().collect(),
        lets: row.get(14),
        roles: row.get(15),
    };
    Ok(rows.iter().map(probe).collect())
}

/// The number of the row that each table has before code speaks to it.
const THERE: u32 = 30_000;

/// So many made rows are enough to tell all rows from one.
pub(crate) const ROWS: u32 = 60;

const UPDATE: i32 = 4;
const INSERT: i32 = 8;
const DELETE: i32 = 16;

/// What code says to tables and views, in an order in which each finds what it needs: a row, and those that it refers to.
pub(crate) fn statements(probes: &[Probe]) -> Vec<(usize, String)> {
    let own = || probes.iter().enumerate().filter(|(_, one)| !one.is_filler && !one.columns.is_empty());
    let tables = || own().filter(|(_, one)| one.is_table);
    let mut said = Vec::new();
    for (place, one) in tables() {
        let Probe { columns, given, values, required, required_values, all, all_values, .. } = one;
        let insert = |names: &str, values: &str, n: u32| {
            (place, format!("{} RETURNING {columns}", one.insert(names, values, n, n)))
        };
        said.push(insert(given, values, THERE + 1));
        if all != given {
            said.push(insert(all, all_values, THERE + 2));
        }
        // A made value may be one that the table refuses.
        if required != given {
            said.push(insert(required, required_values, THERE + 3));
        }
        // What a role that may not read says: RETURNING takes that right.
        if !one.roles.is_empty() {
            said.push((place, one.insert(given, values, THERE + 5, THERE + 5)));
        }
    }
    let views = |may: i32| own().filter(move |(_, one)| !one.is_table && one.lets & may != 0);
    for (place, one) in views(INSERT) {
        let insert = one.insert(&one.all, &one.all_values, THERE + 4, THERE + 4);
        said.push((place, format!("{insert} RETURNING {}", one.columns)));
    }
    said.extend(own().map(|(place, one)| (place, format!("SELECT {} FROM {}", one.columns, one.written))));
    for (place, Probe { written, columns, unchanged, .. }) in tables().chain(views(UPDATE)) {
        if !unchanged.is_empty() {
            said.push((place, format!("UPDATE {written} SET {unchanged} RETURNING {columns}")));
        }
    }
    let delete = |(place, one): (usize, &Probe)| {
        (place, format!("DELETE FROM {} RETURNING {}", one.written, one.columns))
    };
    // Who refers to a table was made after it, and what a view deletes would be gone before.
    said.extend(tables().map(delete).collect::<Vec<_>>().into_iter().rev());
    said.extend(views(DELETE).map(delete));
    let known_to_roles = tables().filter(|(_, one)| !one.roles.is_empty()).collect::<Vec<_>>();
    said.extend(
        known_to_roles.iter().rev().map(|(place, one)| (*place, format!("DELETE FROM {}", one.written))),
    );
    said
}

/// Gives each table a row, and those that others refer to what they refer to.
pub(crate) fn rows(probes: &[Probe]) -> Vec<String> {
    let last = |one: &Probe| if one.is_filler { THERE + 3 } else { THERE };
    let tables = probes.iter().filter(|one| one.is_table);
    tables.map(|one| one.insert(&one.all, &one.all_values, THERE, last(one))).collect()
}

/// Rows that others may refer to, beside those that every table has.
pub(crate) fn fillers(probes: &[Probe]) -> Vec<String> {
    let fillers = probes.iter().filter(|one| one.is_table && one.is_filler);
    fillers.map(|one| one.insert(&one.all, &one.all_values, THERE, THERE + 3)).collect()
}

/// What code says about one row of a filled table, parents before those that refer to them.
pub(crate) fn single(probes: &[Probe]) -> Vec<(usize, String)> {
    let tables = || {
        let own = probes.iter().enumerate().filter(|(_, one)| one.is_table && !one.is_filler);
        own.filter(|(_, one)| !one.columns.is_empty())
    };
    let mut said = Vec::new();
    for (place, one) in tables() {
        let Probe { given, values, required, required_values, all, all_values, columns, written, .. } = one;
        // With few columns named the defaults of the others are what costs.
        said.push((place, one.insert(required, required_values, THERE, THERE)));
        if required != given {
            said.push((place, one.insert(given, values, THERE + 1, THERE + 1)));
        }
        if all != given && !all.is_empty() {
            said.push((place, one.insert(all, all_values, THERE + 2, THERE + 2)));
        }
        said.push((place, format!("SELECT {columns} FROM {written} WHERE {}", one.is_row(2))));
    }
    for (place, one) in tables() {
        let Probe { written, all, all_values, unchanged, .. } = one;
        if all.is_empty() {
            continue;
        }
        let another = THERE + 3;
        said.push((
            place,
            format!(
                "UPDATE {written} SET ({all}) = (SELECT {all_values} FROM generate_series({another}, {another}) AS made (n)) \
                 WHERE {}",
                one.is_row(3)
            ),
        ));
        said.push((place, format!("UPDATE {written} SET {unchanged} WHERE {}", one.is_row(4))));
    }
    let delete = |one: &Probe| format!("DELETE FROM {} WHERE {}", one.written, one.is_row(1));
    let deletes = tables().map(|(place, one)| (place, delete(one)));
    said.extend(deletes.collect::<Vec<_>>().into_iter().rev());
    said
}

impl Probe {
    /// The condition of one row, by its place among the first.
    fn is_row(&self, place: u32) -> String {
        let written = &self.written;
        format!("ctid = ANY (ARRAY(SELECT ctid FROM {written} ORDER BY ctid OFFSET {place} LIMIT 1))")
    }

    /// Fills a table with this many made rows.
    pub(crate) fn fill(&self, count: u32) -> Option<String> {
        self.fill_more(1, count)
    }

    /// The made rows of these numbers.
    pub(crate) fn fill_more(&self, first: u32, last: u32) -> Option<String> {
        let insert = || self.insert(&self.given, &self.values, first, last);
        self.is_table.then(|| format!("{} ON CONFLICT DO NOTHING", insert()))
    }

    fn insert(&self, names: &str, values: &str, first: u32, last: u32) -> String {
        let written = &self.written;
        if names.is_empty() {
            return format!("INSERT INTO {written} DEFAULT VALUES");
        }
        format!(
            "INSERT INTO {written} ({names}) SELECT {values} FROM generate_series({first}, {last}) AS made (n)"
        )
    }
}

/// A function that runs statements one by one in one round trip, and says how each went: how many rows it gave, or its
/// error.
pub(crate) const TRY: &str = "
    CREATE OR REPLACE FUNCTION pg_temp.sides_try(statements text[]) RETURNS text[] LANGUAGE plpgsql AS $try$
    DECLARE
        statement text;
        count bigint;
        said text[] := '{}';
    BEGIN
        FOREACH statement IN ARRAY statements LOOP
            BEGIN
                EXECUTE statement;
                GET DIAGNOSTICS count = ROW_COUNT;
                said := said || count::text;
            EXCEPTION
                WHEN query_canceled THEN
                    -- The time of all is over, and nothing would stop the next one.
                    RETURN said || array_fill(SQLERRM || ' (' || SQLSTATE || ')',
                        ARRAY[cardinality(statements) - cardinality(said)]);
                WHEN OTHERS OR assert_failure THEN
                    said := said || (SQLERRM || ' (' || SQLSTATE || ')');
            END;
        END LOOP;
        RETURN said;
    END
    $try$";

/// How a statement went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Went {
    /// It gave so many rows.
    Well(u64),
    /// What Postgres said.
    Wrong { said: String, code: String },
}

/// Runs them so. Whatever they did is the transaction's.
pub(crate) async fn try_all(eye: &Client, statements: &[String]) -> Result<Vec<Went>, Error> {
    let said = eye.simple_query(&trying(statements)).await?;
    Ok(all_went(&said).into_iter().flatten().collect())
}

/// The statement that runs them so, as a part of a longer text.
pub(crate) fn trying(statements: &[String]) -> String {
    let quoted: Vec<String> = statements.iter().map(|one| format!("'{}'", one.replace('\'', "''"))).collect();
    format!(
        "SELECT sides_went FROM unnest(pg_temp.sides_try(ARRAY[{}]::text[])) AS sides_went",
        quoted.join(", ")
    )
}

/// What each of those in a text said.
pub(crate) fn all_went(said: &[SimpleQueryMessage]) -> Vec<Vec<Went>> {
    let mut all: Vec<Vec<Went>> = Vec::new();
    for message in said {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                let is_ours = columns.first().is_some_and(|column| column.name() == "sides_went");
                if is_ours {
                    all.push(Vec::new());
                }
            }
            SimpleQueryMessage::Row(row) if row.columns()[0].name() == "sides_went" => {
                if let (Some(went), Some(text)) = (all.last_mut(), row.get(0)) {
                    went.push(self::went(text.to_owned()));
                }
            }
            _ => {}
        }
    }
    all
}

fn went(text: String) -> Went {
    if let Ok(rows) = text.parse() {
        return Went::Well(rows);
    }
    let code = text.rsplit_once(" (").map(|(_, code)| code.trim_end_matches(')').to_owned());
    Went::Wrong { said: text, code: code.unwrap_or_default() }
}
