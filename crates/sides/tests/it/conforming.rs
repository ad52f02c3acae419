//! The host of this machine passes what every place passes.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use async_trait::async_trait;
use nix::sys::signal::Signal;
use platform::{
    local::LocalHost,
    place::{Bundle, BundleFile, Instance, Place},
};
use simulator::{
    Fault,
    conformance::{self as suite, Build, Harness},
};
use testing::TestDatabase;

use crate::{
    host::Dev,
    releasing::start_host,
    sandbox::{Sandbox, signal},
};

struct Host {
    host: LocalHost,
    sandbox: Sandbox,
    _running: Dev,
    _database: TestDatabase,
}

impl Host {
    async fn start() -> Self {
        let database = TestDatabase::create().await;
        let sandbox = Sandbox::with(&["worker"]).on(&database);
        let mut running = start_host(&sandbox);
        running.says("worker was not released yet").await;
        let host = LocalHost::of(&sandbox.file(".sides/run"));
        Self { host, sandbox, _running: running, _database: database }
    }

    fn script(&self, build: Build) -> PathBuf {
        let name = match build {
            Build::First => "first",
            Build::Second => "second",
            Build::NeverReady => "never",
        };
        let serve = "import http.server,os\n\
                     class H(http.server.BaseHTTPRequestHandler):\n \
                     def do_GET(s):\n  s.send_response(200);s.end_headers()\n \
                     def log_message(s,*a): pass\n\
                     http.server.ThreadingHTTPServer((os.environ['OPS_HOST'],int(os.environ['OPS_PORT'])),H).serve_forever()";
        let body = match build {
            Build::NeverReady => "exit 1".to_owned(),
            _ => format!("exec python3 -c \"{serve}\""),
        };
        let file = self.sandbox.file(name);
        fs::write(&file, format!("#!/bin/sh\necho {name} started\n{body}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    }
}

#[async_trait]
impl Harness for Host {
    fn place(&self) -> &dyn Place {
        &self.host
    }

    fn other(&self) -> &dyn Place {
        &self.host
    }

    fn process(&self) -> &str {
        "worker"
    }

    fn build(&self, build: Build) -> (String, Bundle) {
        let letter = match build {
            Build::First => "a",
            Build::Second => "b",
            Build::NeverReady => "c",
        };
        let file = BundleFile { name: "worker".to_owned(), source: self.script(build) };
        (letter.repeat(64), Bundle { command: "./worker".to_owned(), files: vec![file] })
    }

    async fn lose(&self, instance: &Instance) {
        signal(instance.details["pid"].parse().unwrap(), Signal::SIGKILL);
    }

    fn inject(&self, _: Fault) -> bool {
        // Its door is a socket of this machine: an answer is there or the host has gone.
        false
    }
}

macro_rules! conforms {
    ($($case:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $case() {
            suite::$case(&Host::start().await).await;
        }
    )*};
}

conforms!(
    puts_a_release,
    scales,
    restarts,
    runs_once,
    gives_up_what_never_answers,
    replaces_what_vanishes,
    two_deployers_leave_one_release,
);
