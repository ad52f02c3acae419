//! What a check found once is answered from memory, for exactly the same migrations, roles and tables.

use std::{fs, path::Path};

use tempfile::TempDir;
use testing::TestDatabase;
use tokio::process::Command;

use crate::lane::client;

async fn checked(database: &TestDatabase, folder: &Path, cache: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sides-migrate"))
        .args(["check", "--json", "--folder"])
        .arg(folder)
        .env("DATABASE_URL", database.url().expose())
        // Not the user's whole cache: Postgres itself may be there.
        .env("SIDES_SCRATCH_DIR", cache)
        .output()
        .await
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn add(folder: &Path, name: &str, up: &str) {
    fs::create_dir_all(folder.join(name)).unwrap();
    fs::write(folder.join(name).join("up.sql"), up).unwrap();
}

/// Puts a mark on everything that is remembered, so that an answer shows where it comes from.
fn mark(cache: &Path) -> usize {
    let folder = cache.join("checked");
    let files = fs::read_dir(&folder).unwrap().map(|one| one.unwrap().path());
    let mut marked = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        marked += text.matches("\"witness\":null").count();
        fs::write(&file, text.replace("\"witness\":null", "\"witness\":\"remembered\"")).unwrap();
    }
    marked
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_unchanged_is_answered_from_memory() {
    let (database, folder, cache) =
        (TestDatabase::empty().await, TempDir::new().unwrap(), TempDir::new().unwrap());
    let (folder, cache) = (folder.path(), cache.path());
    add(folder, "1_table", "CREATE TABLE t (id int PRIMARY KEY)");
    add(folder, "2_column", "ALTER TABLE t ADD COLUMN a int");
    let first = checked(&database, folder, cache).await;
    assert!(first.contains("ADD COLUMN a int") && !first.contains("remembered"), "{first}");
    assert_eq!(mark(cache), 2);
    // A role that no migration names changes nothing.
    let live = client(&database).await;
    let role = format!("nobody_{}", std::process::id());
    live.batch_execute(&format!("CREATE ROLE {role}")).await.unwrap();
    let again = checked(&database, folder, cache).await;
    live.batch_execute(&format!("DROP ROLE {role}")).await.unwrap();
    assert_eq!(again.matches("remembered").count(), 2, "{again}");

    // What is new is tried behind what is remembered, and what is refused is tried each time.
    add(folder, "3_index", "CREATE INDEX t_a ON t (a)");
    for _ in 0..2 {
        let more = checked(&database, folder, cache).await;
        assert_eq!(more.matches("remembered").count(), 2, "{more}");
        assert!(more.contains("index_build"), "{more}");
    }
    // An edit is felt by all behind it.
    add(folder, "1_table", "CREATE TABLE t (id int PRIMARY KEY, b int)");
    let edited = checked(&database, folder, cache).await;
    assert!(!edited.contains("remembered") && edited.contains("ADD COLUMN a int"), "{edited}");

    // So is what somebody makes beside the migrations.
    assert_eq!(mark(cache), 2);
    assert_eq!(checked(&database, folder, cache).await.matches("remembered").count(), 2);
    live.batch_execute("CREATE TABLE beside (a int); GRANT SELECT ON beside TO PUBLIC").await.unwrap();
    let other = checked(&database, folder, cache).await;
    assert!(!other.contains("remembered"), "{other}");
}
