//! Databases that earlier releases made: their migrations are known by name and text, wherever these lie today.

use sides_migrate::{Migration, Options, State};
use testing::{TestDatabase, schema};

use crate::all;

/// What was released while all migrations lay in one folder: names, and digests of the texts.
const RELEASED: &str = include_str!("released.txt");

fn released() -> impl Iterator<Item = (&'static str, &'static str)> {
    RELEASED.lines().map(|line| line.split_once("  ").unwrap()).map(|(digest, name)| (name, digest))
}

#[test]
fn every_released_migration_is_still_there_with_the_same_text() {
    let all = all();
    for (name, digest) in released() {
        let found = all.iter().find(|one| one.name() == name);
        assert_eq!(found.map(Migration::checksum).as_deref(), Some(digest), "{name}");
    }
}

/// As they were then: one list, in which nothing came with a library.
fn as_one_list() -> Vec<Migration> {
    let all = all();
    let old = released().map(|(name, _)| all.iter().find(|one| one.name() == name).unwrap());
    old.map(|one| Migration::new(one.name(), one.up(), one.down().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_any_earlier_release_goes_on_by_itself() {
    let (old, all) = (as_one_list(), all());
    let fresh = schema::dump(TestDatabase::create().await.url());
    for count in 1..=old.len() {
        let database = TestDatabase::empty().await;
        let options = Options::default();
        sides_migrate::apply(database.url(), &old[..count], &options, &mut |_| {}).await.unwrap();
        let applied = sides_migrate::up(database.url(), &all).await.unwrap();
        assert_eq!(applied.len(), all.len() - count, "behind {}", old[count - 1].name());
        schema::assert_same(&fresh, &schema::dump(database.url()), "it ends as a fresh one does");
        let status = sides_migrate::status(database.url(), &all).await.unwrap();
        assert!(status.iter().all(|one| matches!(one.state, State::Applied { .. })), "{status:?}");
    }
}
