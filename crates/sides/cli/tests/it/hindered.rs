//! What keeps a release from beginning is said before a build, alike by `plan`, `doctor` and `release`.

use std::process::Output;

use testing::TestDatabase;

use crate::{
    lane,
    releasing::{ended, start_host},
    rows,
    sandbox::Sandbox,
    toy,
};

/// A user of this database's server, who may log in and make roles, as the documents have it; and an address as that user.
async fn user(database: &TestDatabase) -> (String, String) {
    let name = format!("u_{}", database.url().database());
    let url = database.url();
    rows::execute(url, &format!("DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN CREATEROLE")).await;
    let text = url.expose();
    let (scheme, rest) = text.split_once("://").unwrap();
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    (name.clone(), format!("{scheme}://{name}@{rest}"))
}

async fn run_as(sandbox: &Sandbox, url: &str, arguments: &[&str]) -> Output {
    let mut command = sandbox.sides(arguments);
    command.env("DATABASE_URL", url);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_is_named_before_a_build_in_the_same_words_everywhere() {
    let database = TestDatabase::empty().await;
    let sandbox = Sandbox::with(&["web"]).on(&database);
    toy::write_workspace(&sandbox);
    toy::write_program(&sandbox, "web", "this does not compile");
    let mut host = start_host(&sandbox);
    host.says("web has not been released yet").await;
    let (name, url) = user(&database).await;
    let of = database.url().database();

    let everywhere = async |words: [&str; 2]| {
        for command in [["plan"].as_slice(), &["doctor"], &["release", "--bake", "0"]] {
            let said = ended(&run_as(&sandbox, &url, command).await, 1);
            assert!(words.iter().all(|words| said.contains(words)), "{command:?} of {words:?}: {said}");
            assert!(!said.contains("does not compile"), "{said}");
        }
    };
    let schema = format!("rights: {name} may not create the schema sides in {of}");
    let grant = format!("GRANT CREATE ON DATABASE \"{of}\" TO \"{name}\"");
    everywhere([&schema, &grant]).await;

    rows::execute(database.url(), &format!("REVOKE CONNECT ON DATABASE {of} FROM PUBLIC")).await;
    let grant = format!("GRANT CONNECT ON DATABASE \"{of}\" TO \"{name}\"");
    everywhere(["permission denied for database", &grant]).await;

    rows::execute(database.url(), &format!("GRANT CONNECT, CREATE ON DATABASE {of} TO {name}")).await;
    rows::execute(database.url(), &format!("ALTER ROLE {name} SET default_transaction_read_only = on")).await;
    everywhere(["sessions are read-only", "use a server that accepts writes"]).await;
    rows::execute(database.url(), &format!("DROP OWNED BY {name}; DROP ROLE {name}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_of_the_documents_releases_for_the_first_time_with_a_contract_step() {
    let database = TestDatabase::empty().await;
    let sandbox = Sandbox::with(&["web"]).on(&database);
    toy::write_workspace(&sandbox);
    toy::write_program(
        &sandbox,
        "web",
        &toy::program_that_says("one", r#"{"manifest_version": 1, "process": "web", "digest": ""}"#),
    );
    lane::write(&sandbox);
    let reports = "CREATE TABLE reports (id bigint PRIMARY KEY, old text)";
    lane::add(&sandbox, "2100-01-01-000100_reports", reports, "DROP TABLE reports");
    let (up, down) = ("ALTER TABLE reports DROP COLUMN old", "ALTER TABLE reports ADD COLUMN old text");
    lane::add(&sandbox, "2100-01-01-000200_drop_old", up, down);
    let (name, url) = user(&database).await;
    let of = database.url().database();
    rows::execute(database.url(), &format!("ALTER DATABASE {of} OWNER TO {name}")).await;

    let mut host = sandbox.sides(&["host", "--port", "0"]);
    host.env("DATABASE_URL", &url);
    let mut host = crate::host::Dev::start(host);
    host.says("web has not been released yet").await;
    let said = ended(&run_as(&sandbox, &url, &["release", "--bake", "0"]).await, 0);
    assert!(said.contains("migrated 2100-01-01-000200_drop_old"), "{said}");
}
