//! The host of this machine passes what every place passes.

use async_trait::async_trait;
use nix::sys::signal::Signal;
use platform::{
    local::LocalHost,
    place::{Bundle, Instance, Place},
};
use simulator::{
    Fault,
    conformance::{self as suite, Build, Harness, Script},
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
        running.says("worker has not been released yet").await;
        let host = LocalHost::of(&sandbox.file(".sides/run"));
        Self { host, sandbox, _running: running, _database: database }
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
        let script = Script { listens: Some(("OPS_HOST", "OPS_PORT")), never: "exit 1" };
        (letter.repeat(64), suite::bundle(&self.sandbox.path(), "worker", build, script))
    }

    async fn lose(&self, instance: &Instance) {
        signal(instance.details["pid"].parse().unwrap(), Signal::SIGKILL);
    }

    fn inject(&self, _: Fault) -> bool {
        // It listens at a socket of this machine: an answer is there or the host has gone.
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
    keeps_logs,
    gives_up_what_never_answers,
    replaces_what_vanishes,
    two_deployers_leave_one_release,
);
