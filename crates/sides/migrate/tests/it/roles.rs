//! What a process may, Postgres itself enforces.

use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use testing::TestDatabase;

async fn tell(connection: &mut database::Connection, statement: &str) -> Result<usize, String> {
    diesel::sql_query(statement).execute(connection).await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_has_no_right_on_the_application() {
    let database = TestDatabase::create().await;
    let mut clock = database::connect(&database.url().with_role("sides_clock")).await.unwrap();
    for refused in
        ["SELECT * FROM public.services", "DELETE FROM public.pings", "CREATE TABLE public.mine ()"]
    {
        let error = tell(&mut clock, refused).await.unwrap_err();
        assert_eq!(error, "permission denied for schema public", "{refused}");
    }
    tell(&mut clock, "SELECT * FROM sides.ticks").await.unwrap();
    tell(&mut clock, "UPDATE sides.instances SET state = 'ready'").await.unwrap();
    assert!(tell(&mut clock, "DROP TABLE sides.ticks").await.is_err());

    // Even with the schema open again, as on servers before Postgres 15, no table is.
    database.connect().await.batch_execute("GRANT USAGE ON SCHEMA public TO PUBLIC").await.unwrap();
    let error = tell(&mut clock, "SELECT * FROM public.services").await.unwrap_err();
    assert_eq!(error, "permission denied for table services");
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_of_one_server_make_their_roles_at_once() {
    let mut databases = Vec::new();
    for _ in 0..6 {
        databases.push(TestDatabase::create().await);
    }
    for _ in 0..5 {
        let runs: Vec<_> = databases
            .iter()
            .map(|database| {
                let url = database.url().clone();
                tokio::spawn(async move {
                    let client = database::client(&url).await.unwrap();
                    sides_migrate::ensure_roles(&client).await
                })
            })
            .collect();
        for run in runs {
            run.await.unwrap().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_own_public_can_migrate_and_who_reads_it_still_can() {
    let database = TestDatabase::empty().await;
    let name = database.url().database().to_owned();
    let (plain, reader) = (format!("{name}_plain"), format!("{name}_reader"));
    let mut owner = database.connect().await;
    owner
        .batch_execute(&format!(
            "CREATE ROLE {plain}; CREATE ROLE {reader}; CREATE TABLE public.old (); GRANT SELECT ON public.old TO {reader};
             GRANT CREATE ON SCHEMA public TO {plain}; GRANT CREATE ON DATABASE {name} TO {plain}"
        ))
        .await
        .unwrap();
    let migrated =
        sides_migrate::up(&database.url().with_role(&plain), &sides_migrate::chassis().unwrap()).await;
    let by_owner = sides_migrate::ensure_roles(&database::client(database.url()).await.unwrap()).await;
    let read = {
        let mut connection = database::connect(&database.url().with_role(&reader)).await.unwrap();
        tell(&mut connection, "SELECT FROM public.old").await
    };
    owner
        .batch_execute(&format!(
            "DROP OWNED BY {plain} CASCADE; DROP OWNED BY {reader}; DROP ROLE {plain}, {reader}"
        ))
        .await
        .unwrap();
    assert!(!migrated.unwrap().is_empty());
    by_owner.unwrap();
    assert_eq!(read, Ok(0));
}
