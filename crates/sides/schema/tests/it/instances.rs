//! Who is alive, by the rows alone.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection as _;
use sides_schema::instances;
use testing::TestDatabase;

const ROWS: &str = "
INSERT INTO sides.instances (id, process, release, host, pid, ops_address, state, started_at, heartbeat_at, manifest)
SELECT gen_random_uuid(), process, process || '@1', 'here', 7, '127.0.0.1:1', state, now() - started, now() - silent, manifest
FROM (VALUES
    ('worker', 'ready', interval '2 minutes', interval '1 second', '{\"commit\": \"c0ffee\"}'::jsonb),
    ('worker', 'starting', interval '3 minutes', interval '14 seconds', NULL),
    ('web', 'draining', interval '1 minute', interval '0', 'null'),
    ('web', 'ready', interval '2 minutes', interval '16 seconds', NULL),
    ('web', 'stopped', interval '2 minutes', interval '0', NULL)
) AS rows (process, state, started, silent, manifest)";

#[tokio::test(flavor = "multi_thread")]
async fn who_stopped_or_is_silent_is_not_alive() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    connection.batch_execute(ROWS).await.unwrap();
    let alive = instances::alive(&mut connection).await.unwrap();
    let found: Vec<_> = alive.iter().map(|one| (one.process.as_str(), one.state.as_str())).collect();
    assert_eq!(found, [("web", "draining"), ("worker", "starting"), ("worker", "ready")]);
    assert!(alive[0].manifest.is_none() && alive[1].manifest.is_none());
    assert_eq!(alive[2].said("commit").as_deref(), Some("c0ffee"));
    assert!(alive[2].is_ready() && !alive[1].is_ready());
    let longer = instances::heard_of(&mut connection, Duration::from_secs(60)).await.unwrap();
    assert_eq!(longer.len(), 4);
}

/// A release plans on a database that it has not migrated yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_an_earlier_release_is_read() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    connection.batch_execute(ROWS).await.unwrap();
    connection.batch_execute("ALTER TABLE sides.instances DROP COLUMN manifest").await.unwrap();
    let alive = instances::alive(&mut connection).await.unwrap();
    assert_eq!((alive.len(), &alive[2].manifest), (3, &None));
    assert!(instances::exist(&mut connection).await.unwrap());
    let empty = TestDatabase::empty().await;
    assert!(!instances::exist(&mut empty.connect().await).await.unwrap());
}
