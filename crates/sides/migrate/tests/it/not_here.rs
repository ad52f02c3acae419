//! What a scratch server is not told, or does not have: commands of psql, and extensions.

use sides_migrate::{
    Migration,
    check::check_in,
    class::{Phase::Expand, Reason},
    shadow::Place,
};
use testing::TestDatabase;

use crate::{lane::up, verdicts::check_last};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_meant_for_psql_is_refused_with_words() {
    for (text, words) in [
        ("\\set abc\nCREATE TABLE t (a int);", "pg_dump"),
        ("CREATE TABLE t (a int);\n\\connect other", "up.sql line 2"),
        ("CREATE TABLE t (a int);\nCOPY t (a) FROM stdin;\n1\n\\.\n", "INSERT"),
    ] {
        let error = check_last(&[text], "").await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        let database = TestDatabase::empty().await;
        let again = up(&database, &[Migration::new("1_m", text, "")]).await.unwrap_err();
        assert_eq!(again.to_string(), error.to_string());
    }
}

/// As pg_dump has written them since August 2025.
#[tokio::test(flavor = "multi_thread")]
async fn a_dump_with_its_key_is_checked_and_applied() {
    let text = "--\n-- PostgreSQL database dump\n--\n\n\\restrict aB3dE\n\nSET statement_timeout = 0;\n\
                SELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE public.t (a integer);\n\n\
                \\unrestrict aB3dE\n\n";
    let checked = check_last(&[text], "").await.unwrap();
    assert!(!checked.is_refused() && checked.phase == Expand, "{checked:?}");
    let database = TestDatabase::empty().await;
    up(&database, &[Migration::new("1_m", text, "")]).await.unwrap();
}

/// What cannot be tried here may be accepted with a reason, and what needs it too.
#[tokio::test(flavor = "multi_thread")]
async fn an_extension_that_is_not_there_may_be_accepted() {
    let database = TestDatabase::empty().await;
    let place = Place::find(database.url(), None).await.unwrap();
    let texts = [
        "CREATE TABLE places (id int)",
        "CREATE EXTENSION IF NOT EXISTS \"nobody has this\"; CREATE TABLE areas (shape nobody_knows_it); ALTER TABLE places ADD COLUMN n int",
        "ALTER TABLE places ADD COLUMN m int",
    ];
    let accepted =
        Migration::new("2_m", texts[1], "").with_metadata("accept = \"the live server has it\"").unwrap();
    let all = [Migration::new("1_m", texts[0], ""), accepted, Migration::new("3_m", texts[2], "")];
    let checked = check_in(&place, &all, |_| true).await.unwrap();
    assert!(checked.iter().all(|one| !one.is_refused()), "{checked:?}");
    let refused: Vec<_> = checked[1].statements.iter().map(|one| one.class.refused).collect();
    assert_eq!(refused, [Some(Reason::NotTried), Some(Reason::NotTried), None]);
    // Applied unseen, as what is there already is.
    let checked = check_in(&place, &all, |one| one.version() == "3").await.unwrap();
    assert_eq!((checked.len(), checked[0].phase), (1, Expand));
    let alone = check_last(&[texts[0], "ALTER TABLE places ADD COLUMN shape nobody_knows_it"], "").await;
    assert!(alone.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_that_is_not_there_is_named() {
    let error = check_last(&["CREATE EXTENSION nobody_has_this"], "").await.unwrap_err().to_string();
    assert!(error.contains("nobody_has_this") && error.contains("--shadow"), "{error}");
}
