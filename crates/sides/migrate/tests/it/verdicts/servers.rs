//! What belongs to a server or a session: roles, settings, procedures, and users with few rights.

use sides_migrate::{
    check::{check, check_in},
    class::{Phase, Reason},
    shadow::Place,
};
use testing::TestDatabase;

use super::{TABLES, check_last};
use crate::lane::{ask, client, lane, up};

use Phase::Contract;

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_left_nowhere_and_one_that_exists_is_no_fault() {
    let database = TestDatabase::empty().await;
    let role = format!("reporting_{}", database.url().database());
    let texts = [
        format!("CREATE ROLE {role} NOLOGIN; CREATE TABLE r (id int); GRANT SELECT ON r TO {role};"),
        format!("ALTER TABLE r ADD COLUMN a int; ALTER ROLE {role} SET search_path = public"),
        format!("CREATE TABLE s (id int); GRANT SELECT ON s TO {role}"),
    ];
    let texts: Vec<_> = texts.iter().map(|text| (text.as_str(), "")).collect();
    let all = lane(&texts);
    let live = client(&database).await;
    let exists = format!("EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')");
    check(database.url(), &all[..1], |_| true).await.unwrap();
    assert_eq!(ask(&live, &exists).await, "false");
    up(&database, &all[..1]).await.unwrap();
    assert_eq!(ask(&live, &exists).await, "true");
    for _ in 0..2 {
        check(database.url(), &all, |one| one.version() != "1").await.unwrap();
        sides_migrate::preview(database.url(), None, &all).await.unwrap();
    }
    up(&database, &all).await.unwrap();
    // Another database of the same server, whose first migration makes the same role.
    let other = TestDatabase::empty().await;
    check(other.url(), &all, |_| true).await.unwrap();
    live.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_others_made_is_there() {
    let database = TestDatabase::empty().await;
    let role = format!("Given {}", database.url().database());
    let live = client(&database).await;
    live.batch_execute(&format!("CREATE ROLE \"{role}\"")).await.unwrap();
    let text = format!(
        "CREATE TABLE r (id int); GRANT SELECT ON r TO \"{role}\"; ALTER TABLE r OWNER TO CURRENT_USER"
    );
    let all = lane(&[(&text, "")]);
    let checked = check(database.url(), &all, |_| true).await;
    live.batch_execute(&format!("DROP ROLE \"{role}\"")).await.unwrap();
    assert!(!checked.unwrap()[0].is_refused());
}

/// As pg_dump writes them: what a migration sets is the next one's nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn settings_end_with_their_migration() {
    let database = TestDatabase::empty().await;
    let all = lane(&[
        (
            "SELECT pg_catalog.set_config('search_path', '', false); CREATE TABLE public.people (id int);",
            "SET search_path = ''; DROP TABLE public.people",
        ),
        ("ALTER TABLE people ADD COLUMN age int;", "ALTER TABLE people DROP COLUMN age"),
        ("SET default_transaction_read_only = on; SET ROLE pg_monitor", "SET statement_timeout = 1"),
        ("ALTER TABLE people ADD COLUMN size int;", "ALTER TABLE people DROP COLUMN size"),
    ]);
    assert_eq!(check(database.url(), &all, |_| true).await.unwrap().len(), 4);
    assert_eq!(sides_migrate::preview(database.url(), None, &all).await.unwrap().len(), 4);
    up(&database, &all[..2]).await.unwrap();
    assert_eq!(check(database.url(), &all, |one| one.version().as_str() > "2").await.unwrap().len(), 2);
    assert!(sides_migrate::drift(database.url(), None, &all[..2]).await.unwrap().is_empty());
    crate::lane::down(&database, &all[..2]).await.unwrap();
    crate::lane::down(&database, &all[..2]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_procedure_may_commit_where_there_is_no_transaction_around_it() {
    let text = "CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN UPDATE settings SET v = 1; COMMIT; END $$; CALL fill();";
    let checked = check_last(&[TABLES, text], "run_in_transaction = false").await.unwrap();
    assert!(!checked.is_refused(), "{checked:?}");
    assert!(check_last(&[TABLES, text], "run_in_transaction = true").await.is_err());
}

/// On a server that others use, roles are neither made nor dropped.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_acts_on_a_whole_server_runs_where_others_are() {
    let database = TestDatabase::empty().await;
    let role = format!("shared_{}", database.url().database());
    let text = format!(
        "CREATE TABLE r (id int); CREATE ROLE {role}; DO $$ BEGIN EXECUTE 'ALTER ROLE {role} SET a.b = 1'; END $$"
    );
    let all = lane(&[(&text, "")]);
    let place = Place::find(database.url(), Some(database.url())).await.unwrap();
    assert!(!place.is_private());
    let checked = check_in(&place, &all, |_| true).await.unwrap().remove(0);
    let refused: Vec<_> = checked.statements.iter().map(|one| one.class.refused).collect();
    assert_eq!(refused, [None, Some(Reason::WholeServer), Some(Reason::WholeServer)]);
    let live = client(&database).await;
    assert_eq!(ask(&live, &format!("EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')")).await, "false");
}

/// A user who may make neither databases nor roles.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_rights_on_the_server_checks_as_well() {
    let database = TestDatabase::empty().await;
    let user = format!("plain_{}", database.url().database());
    let live = client(&database).await;
    live.batch_execute(&format!("CREATE ROLE {user} LOGIN; GRANT CREATE ON SCHEMA public TO {user}"))
        .await
        .unwrap();
    let url = database.url().expose().replacen("postgres@", &format!("{user}@"), 1).parse().unwrap();
    let all =
        lane(&[("CREATE TABLE t (id int, a int)", "DROP TABLE t"), ("ALTER TABLE t DROP COLUMN a", "")]);
    let found = check(&url, &all, |_| true).await;
    let planned = sides_migrate::preview(&url, None, &all).await;
    live.batch_execute(&format!("DROP OWNED BY {user}; DROP ROLE {user}")).await.unwrap();
    assert_eq!(found.unwrap()[1].phase, Contract);
    assert!(planned.unwrap()[1].changes.is_some(), "it was tried");
}
