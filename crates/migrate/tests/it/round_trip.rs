//! There and back again: nothing is left, nothing is missing.

use sides_migrate::{Migration, Options, Revert, State};
use testing::{TestDatabase, schema};

use crate::{all, application};

async fn apply(database: &TestDatabase, all: &[Migration]) -> Vec<String> {
    sides_migrate::apply(database.url(), all, &Options::default(), &mut |_| {}).await.unwrap()
}

async fn revert(database: &TestDatabase, all: &[Migration], which: Revert) -> Vec<String> {
    sides_migrate::revert(database.url(), all, which, &Options::default(), &mut |_| {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn up_twice_changes_nothing_the_second_time() {
    let database = TestDatabase::create().await;
    let before = schema::dump(database.url());
    assert_eq!(sides_migrate::up(database.url(), &all()).await.unwrap(), Vec::<String>::new());
    schema::assert_same(&before, &schema::dump(database.url()), "a second up changed the schema");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_down_restores_what_its_up_found() {
    let database = TestDatabase::empty().await;
    let all = all();
    for count in 1..=all.len() {
        let before = schema::dump(database.url());
        let name = all[count - 1].name();
        assert_eq!(apply(&database, &all[..count]).await, [name]);
        let with = schema::dump(database.url());
        assert_ne!(before, with, "{name} does nothing");
        assert_eq!(revert(&database, &all, Revert::Newest(1)).await, [name]);
        schema::assert_same(
            &before,
            &schema::dump(database.url()),
            &format!("down of {name} is not its up's reverse"),
        );
        apply(&database, &all[..count]).await;
        schema::assert_same(&with, &schema::dump(database.url()), &format!("{name} differs the second time"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_reverted_at_once() {
    let database = TestDatabase::empty().await;
    let before = schema::dump(database.url());
    let all = all();
    apply(&database, &all).await;
    let mut names: Vec<_> = all.iter().map(|migration| migration.name().to_owned()).collect();
    names.reverse();
    assert_eq!(revert(&database, &all, Revert::All).await, names);
    schema::assert_same(&before, &schema::dump(database.url()), "something is left of the migrations");
    let status = sides_migrate::status(database.url(), &all).await.unwrap();
    assert!(status.iter().all(|one| one.state == State::Pending), "{status:?}");
}

/// What everyone's migrations are held to, before a release and in CI.
#[tokio::test(flavor = "multi_thread")]
async fn none_of_our_own_is_refused() {
    let database = TestDatabase::empty().await;
    let all = all();
    for found in sides_migrate::check::check(database.url(), &all, |_| true).await.unwrap() {
        assert!(!found.is_refused(), "{found:?}");
    }
}

#[test]
fn every_migration_has_a_row_where_they_are_explained() {
    let text = include_str!("../../../../migrations/README.md");
    for migration in application() {
        let (_, name) = migration.name().split_once('_').unwrap();
        assert!(
            text.contains(&format!("`…_{name}`")),
            "migrations/README.md has no row of {}",
            migration.name()
        );
    }
}
