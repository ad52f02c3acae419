//! What a process says before it starts.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use testing::{Program, TestDatabase};

use crate::fixture::{napper, napper_on};

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_named_at_once_and_ends_with_78() {
    let mut program = Program::start(
        napper()
            .env("DATABASE_URL", "postgres://ann:hunter2@h:99999/app")
            .env("NAP_SECONDS", "long")
            .env("NIGHTMARE", "perhaps")
            .env("OPS_HOST", "everywhere")
            .env("LOG_FORMAT", "xml"),
    );
    assert_eq!(program.ended().await.code(), Some(78));
    program.says("errors in its configuration: 5").await;
    let output = program.output();
    for fault in [
        "DATABASE_URL has a port that is not a number from 1 to 65535",
        "NAP_SECONDS is \\\"long\\\": give a number from 0 to 3600",
        "NIGHTMARE is \\\"perhaps\\\": give true or false",
        "OPS_HOST invalid IP address syntax",
        "LOG_FORMAT is unknown: give auto, pretty or json",
    ] {
        assert!(output.contains(fault), "{fault} is missing:\n{output}");
    }
    assert!(!output.contains("hunter2"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn help_and_version_need_no_configuration() {
    let mut program = Program::start(napper().arg("--help").env("NAP_SECONDS", "long"));
    assert_eq!(program.ended().await.code(), Some(0));
    program.says("78 if the configuration is invalid").await;
    let output = program.output();
    assert!(output.starts_with("Naps until it is told to stop.\n"), "{output}");
    let has = |line: &str| output.lines().any(|one| one.split_whitespace().eq(line.split(' ')));
    assert!(has("NAP_TOKEN unset, secret"), "{output}");
    assert!(output.contains("how long it naps after it was told to stop"), "{output}");
    assert!(
        output.lines().any(|one| one.split_whitespace().take(2).eq(["DATABASE_URL", "required"])),
        "{output}"
    );

    let mut program = Program::start(napper().arg("--version").env("RELEASE", "napper@a1b2"));
    assert_eq!(program.ended().await.code(), Some(0));
    program.says("(release napper@a1b2)").await;

    let mut program = Program::start(napper().arg("--nap"));
    assert_eq!(program.ended().await.code(), Some(2));
    program.says("unknown argument \"--nap\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_ops_port_is_refused_when_it_was_asked_for() {
    let database = TestDatabase::create().await;
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port().to_string();
    let mut program = Program::start(napper_on(database.url()).env("OPS_PORT", &port));
    assert_eq!(program.ended().await.code(), Some(1));
    program.says("napper failed").await;
    let output = program.output();
    assert!(output.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{output}");
    assert!(output.contains("choose another port with OPS_PORT"), "{output}");
    assert!(output.contains("Address already in use"), "the cause is in the same line: {output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_default_port_gives_way_to_another_and_it_is_said() {
    let database = TestDatabase::create().await;
    // Whoever has the port, this test or somebody else: it is busy.
    let _busy = TcpListener::bind("127.0.0.1:3099");
    let program = Program::start(napper_on(database.url()).env_remove("OPS_PORT"));
    program.says("port 3099 is in use; the ops server uses ").await;
    program.answers("/readyz", 200, "ready").await;
    assert!(!program.ops_address().await.ends_with(":3099"));
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_never_said() {
    let database = TestDatabase::create().await;
    let url = database.url().expose().replacen('@', ":hunter2@", 1);
    let mut command = napper_on(database.url());
    let program =
        Program::start(command.env("DATABASE_URL", url).env("NAP_TOKEN", "tr0ub4dor").env("LOG", "trace"));
    program.answers("/readyz", 200, "ready").await;
    let mut said = program.output();
    for path in ["/status", "/metrics", "/livez", "/nothing"] {
        said.push_str(&program.get(path).await.1);
    }
    assert!(said.contains("sides_build_info{process=\"napper\""), "{said}");
    assert!(!said.contains("hunter2") && !said.contains("tr0ub4dor"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_loopback_a_foreign_name_reads_nothing() {
    let database = TestDatabase::create().await;
    let program = Program::start(&mut napper_on(database.url()));
    program.answers("/readyz", 200, "ready").await;
    let address = program.ops_address().await;
    let ask = |host: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "GET /status HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let known = ask("localhost");
    assert!(known.starts_with("HTTP/1.0 200") && known.contains("napper"), "{known}");
    let foreign = ask("rebound.example");
    assert!(foreign.starts_with("HTTP/1.0 421") && !foreign.contains("napper"), "{foreign}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_is_asked_for_is_taken_or_refused() {
    let database = TestDatabase::create().await;
    let program = Program::start(napper_on(database.url()).env("DATABASE_ROLE", "nobody_has_it"));
    program.answers("/readyz", 503, "may not act as \"nobody_has_it\"").await;
    let program = Program::start(napper_on(database.url()).env("DATABASE_ROLE", "sides_clock"));
    program.answers("/readyz", 200, "ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_lacks_what_the_build_uses_is_waited_for_and_named() {
    let database = TestDatabase::create().await;
    let client = database::client(database.url()).await.unwrap();
    let role = format!("{}_role", database.url().database());
    client
        .batch_execute(&format!("CREATE ROLE {role}; GRANT USAGE ON SCHEMA sides TO {role}"))
        .await
        .unwrap();
    let program = Program::start(napper_on(database.url()).env("DATABASE_ROLE", &role));
    program.answers("/readyz", 503, "may not use sides.instances.").await;
    program.answers("/readyz", 503, "napper --manifest > manifest.json && migrate grants").await;
    client.batch_execute(&format!("GRANT ALL ON ALL TABLES IN SCHEMA sides TO {role}")).await.unwrap();
    program.answers("/readyz", 200, "ready").await;
    drop(program);
    client.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
}
