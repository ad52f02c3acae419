//! What is there before: tables with rows that others use all the time, and what hangs on them.

use tokio_postgres::Client;

/// The tables.
pub(super) const TABLES: &[&str] = &["parent", "child", "parts", "feelings"];

/// As a migration makes them.
pub(super) const SCHEMA: &str = "
    CREATE SCHEMA shelf;
    CREATE SEQUENCE live_ids START 10000;
    CREATE TYPE mood AS ENUM ('calm', 'wild');
    CREATE TYPE pair AS (x int, y text);
    CREATE DOMAIN small AS int CHECK (VALUE > -10);
    CREATE FUNCTION plain() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE FUNCTION refusing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END';
    CREATE FUNCTION watching() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
    CREATE FUNCTION answer() RETURNS int LANGUAGE sql AS 'SELECT 42';
    CREATE FUNCTION weight(mood) RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE TABLE parent (id int PRIMARY KEY, name text, size int DEFAULT 1);
    CREATE TABLE child (id int PRIMARY KEY, parent_id int, note varchar(60), amount numeric(10, 2), at timestamptz DEFAULT now());
    CREATE TABLE parts (id int NOT NULL, kind text, n int) PARTITION BY RANGE (id);
    CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (2500);
    CREATE TABLE parts_high PARTITION OF parts DEFAULT;
    CREATE TABLE feelings (id int PRIMARY KEY DEFAULT nextval('live_ids'), mood mood DEFAULT 'calm', pair pair, size small, n int DEFAULT answer(), done boolean);
    CREATE VIEW seen AS SELECT id, name FROM parent;
    CREATE MATERIALIZED VIEW sums AS SELECT id, size FROM parent;
    CREATE INDEX child_parent ON child (parent_id);
    CREATE UNIQUE INDEX parts_low_id ON parts_low (id);
    CREATE TRIGGER kept BEFORE INSERT OR UPDATE ON child FOR EACH ROW EXECUTE FUNCTION plain();
    CREATE STATISTICS related ON id, size FROM parent;";

/// Not by a migration: a fresh database has none of them.
pub(super) const ROWS: &str = "
    INSERT INTO parent SELECT n, 'n' || n FROM generate_series(1, 2000) AS n;
    INSERT INTO child SELECT n, n, 'note', n % 100 FROM generate_series(1, 2000) AS n;
    INSERT INTO parts SELECT n, 'k', n FROM generate_series(1, 2000) AS n;
    INSERT INTO feelings (id, pair, size) SELECT n, ROW(n, 'y'::text)::pair, n FROM generate_series(1, 2000) AS n;";

/// Whether all of it can still be used as before.
pub(super) async fn is_whole(model: &Client) -> bool {
    let whole = TABLES.iter().map(|table| format!("EXISTS (SELECT FROM public.{table} WHERE id > 0)"));
    let question = format!("SELECT {}", whole.collect::<Vec<_>>().join(" AND "));
    model.query_one(&question, &[]).await.is_ok_and(|row| row.get(0))
}

/// Each text starts with a session as it was.
pub(super) async fn settle(model: &Client) {
    let all = "ROLLBACK; RESET ROLE; RESET ALL; DISCARD TEMP; SET search_path = public; SET jit = off; SET lock_timeout = '5s'";
    for one in all.split("; ") {
        model.batch_execute(one).await.unwrap();
    }
}
