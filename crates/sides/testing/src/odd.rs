//! Rows with every unusual value that Postgres can hold.

use diesel::{QueryableByName, sql_types::BigInt};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};

/// One sound row of each of the chassis' tables, with a place for its number.
const SOUND: &[(&str, &str)] = &[
    (
        "fang_tasks",
        r##"{"id": "0dd00000-0000-4000-8000-#12", "metadata": {"type": "KIND", "number": #}, "state": "new",
            "task_type": "default", "retries": 0, "scheduled_at": "NOW", "created_at": "NOW", "updated_at":
            "NOW", "version": 1, "priority": 0, "attempt": 0, "crashes": 0, "lease": 0, "unique_waiting":
            false}"##,
    ),
    (
        "job_history",
        r##"{"id": "0dd00000-0000-4000-8000-#12", "kind": "KIND", "queue": "default", "outcome": "finished",
            "attempt": 1, "created_at": "NOW", "scheduled_at": "NOW", "claimed_at": "NOW", "duration_us": 5,
            "finished_at": "NOW"}"##,
    ),
    (
        "job_attempts",
        r##"{"job_id": "0dd00000-0000-4000-8000-000000000001", "attempt": 1, "outcome": "retried",
            "ended_at": "NOW"}"##,
    ),
    (
        "job_notes",
        r##"{"job_id": "0dd00000-0000-4000-8000-#12", "cursor": 1, "progress": 0.5, "message": "odd", "result":
            {}, "updated_at": "NOW"}"##,
    ),
    (
        "stored_schedules",
        r##"{"name": "odd-#", "expression": "@daily", "zone": "UTC", "kind": "KIND", "arguments": {},
            "missed": "latest", "overlap": "merge", "since": "NOW", "changed_by": "me", "version": 1}"##,
    ),
    (
        "schedules",
        r##"{"name": "odd-#", "expression": "@daily", "zone": "UTC", "kind": "KIND", "next_due_at": "NOW",
            "updated_at": "NOW", "missed": "latest", "overlap": "merge"}"##,
    ),
    ("schedule_pauses", r##"{"schedule": "odd-#", "paused_at": "NOW", "paused_by": "me"}"##),
    ("schedule_runs", r##"{"schedule": "odd-#", "asked_at": "NOW", "asked_by": "me"}"##),
    (
        "ticks",
        r##"{"schedule": "SCHEDULE", "due_at": "NOW", "fired_at": "NOW", "fired_by":
            "0dd00000-0000-4000-8000-#12"}"##,
    ),
    (
        "instances",
        r##"{"id": "0dd00000-0000-4000-8000-#12", "process": "odd", "release": "r", "host": "h", "pid": 1,
            "ops_address": "127.0.0.1:1", "state": "ready", "started_at": "NOW", "heartbeat_at": "NOW"}"##,
    ),
    (
        "runners",
        r##"{"id": "0dd00000-0000-4000-8000-#12", "instance": "0dd00000-0000-4000-8000-#12", "release": "r",
            "kinds": ["odd"], "concurrency": 1, "started_at": "NOW", "lease_until": "NOW", "presumed_dead":
            0}"##,
    ),
    (
        "runner_sessions",
        r##"{"runner": "0dd00000-0000-4000-8000-#12", "server_started_at": "NOW", "seen_at": "NOW"}"##,
    ),
    (
        "claim_places",
        r##"{"place": 1000#, "noted_at": "NOW", "looked_at": "NOW", "took": "1 second", "priorities": [0],
            "due": ["NOW"], "ids": ["0dd00000-0000-4000-8000-#12"], "running": []}"##,
    ),
    (
        "actions",
        r##"{"id": 1000000#, "at": "NOW", "subject": "worker", "action": "scale", "asked_by": "me",
            "reason": "odd", "measured": {"from": 1, "to": 2}, "outcome": "done"}"##,
    ),
    (
        "releases",
        r##"{"id": 1000000#, "started_at": "NOW", "ended_at": "NOW", "asked_by": "me", "outcome":
            "released", "receipt": {}}"##,
    ),
    (
        "scale_requests",
        r##"{"id": 1000000#, "at": "NOW", "process": "odd", "reason": "odd", "evidence": {}, "asked_by":
            "me"}"##,
    ),
    (
        "memory_trends",
        r##"{"process": "odd", "release": "#", "resident_bytes": 1, "bytes_per_hour": 1, "samples": 1,
            "updated_at": "NOW"}"##,
    ),
    (
        "sessions",
        r##"{"id": "0dd00000-0000-4000-8000-#12", "site": "web", "cookie": "\\x#12", "proof": "\\x00",
            "address": "127.0.0.1", "client": "odd", "opened_at": "NOW", "seen_at": "NOW", "ends_at": "NOW"}"##,
    ),
    (
        "job_rules",
        r##"{"scope": "kind", "name": "odd #", "paused": false, "max_starts": 5, "per_seconds": 1,
            "refilled_at": "NOW"}"##,
    ),
];

/// From each sound row, rows of which each has one column that is odd. Around the triggers that would refuse some of
/// them: as rows of before, or of a server that knows none of this.
const FILL: &str = r##"
SET session_replication_role = replica;
DO $fill$
DECLARE
    name text;
    base text;
    columns text;
    which record;
    number integer := 0;
    filled text[] := '{}';
BEGIN
    FOR name, base IN VALUES SOUND LOOP
        filled := filled || name;
        SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
        WHERE attrelid = ('SCHEMA.' || name)::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
        FOR which IN
            SELECT attname, format_type(atttypid, -1) AS type, odd FROM pg_attribute LEFT JOIN (VALUES
                ('timestamp with time zone', '"-infinity"'), ('timestamp with time zone', '"infinity"'),
                ('timestamp with time zone', '"4713-01-01 00:00:00+00 BC"'),
                ('timestamp with time zone', '"262143-06-01 00:00:00+00"'),
                ('timestamp with time zone', '"294276-12-31 00:00:00+00"'),
                ('timestamp with time zone[]', '["-infinity", "infinity", null]'), ('timestamp with time zone[]', '[]'),
                ('date', '"-infinity"'), ('date', '"infinity"'), ('date', '"4713-01-01 BC"'), ('date', '"5874897-12-31"'),
                ('interval', '"-1 day"'), ('interval', '"0"'), ('interval', '"178000000 years"'),
                ('interval', '"-178000000 years"'), ('interval', '"infinity"'),
                ('text[]', '[null, "a"]'), ('text[]', '[["a"], ["b"]]'), ('text[]', '[]'), ('text[]', '[""]'),
                ('uuid[]', '[null]'), ('uuid[]', '[]'), ('uuid[]', '[["0dd00000-0000-4000-8000-000000000001"]]'),
                ('smallint[]', '[null, -32768, 32767]'), ('smallint[]', '[]'), ('smallint[]', '[[1], [2]]'),
                ('jsonb', '{"n": 1e400, "to": 1e400}'), ('jsonb', '{"from": [], "to": "many"}'), ('jsonb', 'null'),
                ('jsonb', '[]'), ('jsonb', '1e999'), ('jsonb', '{"type": 7}'), ('jsonb', '{"a": 36893488147419103232}'),
                ('jsonb', (SELECT repeat('[', 500) || repeat(']', 500))),
                ('smallint', '-32768'), ('smallint', '32767'), ('integer', '-2147483648'), ('integer', '2147483647'),
                ('bigint', '-9223372036854775808'), ('bigint', '9223372036854775807'),
                ('double precision', '"NaN"'), ('double precision', '"Infinity"'), ('double precision', '"-Infinity"'),
                ('real', '"NaN"'), ('real', '"Infinity"'), ('real', '"-Infinity"'), ('real', '-1'),
                ('double precision', '"1e-300"'), ('double precision', '-1'), ('boolean', 'true'), ('boolean', 'false'),
                ('bytea', '"\\x"'), ('bytea', (SELECT to_jsonb('\x' || repeat('ff', 100000))::text)),
                ('uuid', '"00000000-0000-0000-0000-000000000000"'), ('uuid', '"ffffffff-ffff-ffff-ffff-ffffffffffff"'),
                ('sides.fang_task_state', '"in_progress"'), ('sides.fang_task_state', '"failed"'),
                ('sides.fang_task_state', '"finished"'), ('sides.fang_task_state', '"retried"'),
                ('text', '""'), ('text', '"\u001b[2J\u202e"'), ('text', '"noon"'),
                ('text', '" a\n\tb<blink>\u0007&''%s{}"'), ('text', (SELECT to_jsonb(repeat('long ', 20000))::text)),
                ('text', (SELECT to_jsonb(repeat('longer ', 150000))::text))
            ) AS odds (type, odd) ON format_type(atttypid, -1) = odds.type
            WHERE attrelid = ('SCHEMA.' || name)::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
            UNION ALL
            SELECT attname, 'any', 'null' FROM pg_attribute
            WHERE attrelid = ('SCHEMA.' || name)::regclass AND attnum > 0 AND NOT attisdropped AND NOT attnotnull
        LOOP
            IF which.odd IS NULL THEN
                RAISE EXCEPTION 'no value of the type % is odd (%.%): give it some in testing/src/odd.rs',
                    which.type, name, which.attname;
            END IF;
            number := number + 1;
            -- What the table itself refuses is no row.
            BEGIN
                EXECUTE format('INSERT INTO SCHEMA.%I (%s) OVERRIDING SYSTEM VALUE SELECT %2$s
                    FROM jsonb_populate_record(NULL::SCHEMA.%1$I, $1)', name, columns)
                USING replace(replace(replace(replace(replace(base, '#12', lpad(number::text, 12, '0')), '#', number::text),
                    'NOW', (now() + number * interval '1 us')::text), 'DAY', (current_date - number)::text),
                    'HOUR', (date_trunc('hour', now()) - number * interval '1 hour')::text)::jsonb
                    || jsonb_build_object(which.attname, which.odd::jsonb);
            EXCEPTION WHEN integrity_constraint_violation OR program_limit_exceeded OR data_exception THEN
                NULL;
            END;
        END LOOP;
    END LOOP;
    FOR name IN SELECT relname FROM pg_class
        WHERE relnamespace = 'SCHEMA'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
            AND relname <> ALL (filled) AND relname NOT LIKE '\_\_diesel%'
    LOOP
        RAISE EXCEPTION 'the table SCHEMA.% has no odd rows: give it a sound one', name;
    END LOOP;
END
$fill$;
SET session_replication_role = origin;
"##;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Fills every table of schema `sides` with rows of which each holds one value at the end of what its column can hold.
/// Jobs are of `kind`, ticks of `schedule`. How many jobs there are.
///
/// # Panics
/// When the database is unavailable, or refuses nearly everything.
pub async fn fill_with_odd_rows(connection: &mut database::Connection, kind: &str, schedule: &str) -> i64 {
    let own = |(table, row): &(&'static str, &str)| {
        (*table, row.replace("KIND", kind).replace("SCHEDULE", schedule))
    };
    let sound: Vec<(&str, String)> = SOUND.iter().map(own).collect();
    let rows: Vec<(&str, &str)> = sound.iter().map(|(table, row)| (*table, row.as_str())).collect();
    fill_schema_with_odd_rows(connection, "sides", &rows).await;
    let count =
        diesel::sql_query("SELECT count(*) AS count FROM sides.fang_tasks WHERE id::text LIKE '0dd%'");
    let Count { count } = count.get_result(connection).await.expect("they can be counted");
    assert!(count > 30, "only {count} odd jobs");
    count
}

/// The same for every table of another schema, each with a sound row as JSON: in it `#` is the row's number, `#12` that
/// number in twelve digits, `NOW` a moment, `HOUR` an hour and `DAY` a day of its own.
///
/// # Panics
/// When the database is unavailable, a table has no sound row, or a type has no odd values.
pub async fn fill_schema_with_odd_rows(
    connection: &mut database::Connection,
    schema: &str,
    sound: &[(&str, &str)],
) {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let rows = sound.iter().map(|(table, row)| format!("({}, {})", quoted(table), quoted(row)));
    let rows = rows.collect::<Vec<_>>().join(",\n");
    let fill = FILL.replace("SOUND", &rows).replace("SCHEMA", schema);
    connection.batch_execute(&fill).await.expect("odd rows can be written");
}
