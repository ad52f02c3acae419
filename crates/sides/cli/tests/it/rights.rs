//! A release gives each process the rights that its build declares, and takes what no build that runs declares.

use testing::TestDatabase;

use crate::{
    http::http,
    releasing::{ended, run, start_host},
    sandbox::Sandbox,
    toy,
};

/// Asked for `/rights`, it acts as its role, as a program in any language does, and says what Postgres answers.
const ASKS: &str = r#"if request.starts_with(b"GET /rights") {
            ["name", "url", "id"].map(|column| {
                let output = std::process::Command::new("PSQL")
                    .args(["-qAtc", &format!("SELECT count({column}) FROM services"), "-d"])
                    .arg(std::env::var("DATABASE_URL").unwrap())
                    .env("PGOPTIONS", "-c role=sides_web")
                    .output().unwrap();
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                format!("{column}: {}", if output.status.success() { "yes" } else { said.as_str() })
            }).join("\n")
        } else { String::new() }"#;

fn write(sandbox: &Sandbox, version: &str, columns: &str) {
    let psql = postgres::program("psql").unwrap_or_else(|| "psql".into());
    let says = format!(
        r##"{{"manifest_version": 1, "process": "web", "digest": "", "tables": {{"services": {{"columns": {columns}}}}}}}"##
    );
    let source = toy::program_that_says(version, &says)
        .replace(
            "stream.read(&mut [0; 1024]).ok();",
            "let mut request = [0; 1024]; stream.read(&mut request).ok();",
        )
        .replace(&format!("format!(\"{version} of {{}}\", shared::NAME)"), ASKS)
        .replace("PSQL", psql.to_str().unwrap());
    toy::write_program(sandbox, "web", &source);
}

async fn may(sandbox: &Sandbox) -> Vec<String> {
    let page = sandbox.status()["address"].as_str().unwrap().to_owned();
    let answer = http().get(format!("{page}/rights")).send().await.unwrap().text().await.unwrap();
    answer.lines().map(str::to_owned).collect()
}

const REFUSED: &str = "ERROR:  permission denied for table services";

#[tokio::test(flavor = "multi_thread")]
async fn a_released_process_may_what_its_build_declares_and_postgres_refuses_the_rest() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web"]).on(&database);
    toy::write_workspace(&sandbox);
    write(&sandbox, "one", r#"{"name": "text"}"#);
    let mut host = start_host(&sandbox);
    host.says("web has not been released yet").await;
    let release = async || ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    release().await;
    sandbox.wait_until_green().await;
    let refused = |column: &str| format!("{column}: {REFUSED}");
    assert_eq!(may(&sandbox).await, ["name: yes".to_owned(), refused("url"), refused("id")]);

    write(&sandbox, "two", r#"{"url": "text"}"#);
    release().await;
    assert_eq!(may(&sandbox).await, [refused("name"), "url: yes".to_owned(), refused("id")]);

    ended(&run(&sandbox, &["rollback", "--bake", "0"]).await, 0);
    assert_eq!(may(&sandbox).await, ["name: yes".to_owned(), refused("url"), refused("id")]);
}
