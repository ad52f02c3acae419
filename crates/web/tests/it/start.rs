//! How it starts and refuses to.

use testing::{Program, TestDatabase};

use crate::fixture::command;

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_are_named_and_no_secret_is() {
    let database = TestDatabase::create().await;
    let mut wrong = command(database.url());
    wrong.env("ADMIN_TOKEN", "hunter2").env("PORT", "http").env("HOST", "everywhere").env("WEB_WORKERS", "0");
    let mut program = Program::start(&mut wrong);
    assert_eq!(program.ended().await.code(), Some(78));
    for name in ["ADMIN_TOKEN", "PORT", "HOST", "WEB_WORKERS"] {
        program.says(&format!("\"config.variable\":\"{name}\"")).await;
    }
    assert!(!program.output().contains("hunter2"), "{}", program.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_port_is_named_with_the_way_out() {
    let database = TestDatabase::create().await;
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port();
    let mut program = Program::start(command(database.url()).env("PORT", port.to_string()));
    assert_eq!(program.ended().await.code(), Some(1));
    program.says(&format!("cannot listen on 127.0.0.1:{port}: choose another port with PORT")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn help_says_what_each_variable_means() {
    let database = TestDatabase::create().await;
    let output = command(database.url()).arg("--help").output().unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    let web = ["HOST", "PORT", "WEB_WORKERS", "ADMIN_TOKEN", "ALLOW_PRIVATE_ADDRESSES"];
    for name in web {
        let at = help.find(&format!("  {name} ")).unwrap_or_else(|| panic!("{name}: {help}"));
        assert!(help[at..].lines().take(2).any(|line| line.split_whitespace().count() > 4), "{name}: {help}");
    }
}
