//! One process without a supervisor.

use std::process::{Child, Stdio};

use database::DatabaseUrl;
use nix::sys::signal::Signal;
use testing::wait_until;

use crate::{
    rows,
    sandbox::{PATIENCE, Sandbox, signal},
};

/// Killed with this value.
pub(crate) struct Single(Child);

impl Single {
    pub(crate) const ADMIN_TOKEN: &str = "only-for-this-test-0123456789";

    /// Starts it on free ports and waits until it says that it is ready.
    pub(crate) async fn start(sandbox: &Sandbox, name: &str, url: &DatabaseUrl) -> Self {
        let mut command = sandbox.program(name);
        command.env("OPS_PORT", "0").env("PORT", "0").env("ADMIN_TOKEN", Self::ADMIN_TOKEN);
        let mut child = Self(command.stdout(Stdio::null()).spawn().unwrap());
        let ready = format!("sides.instances WHERE pid = {} AND state = 'ready'", child.0.id());
        wait_until(&format!("{name} is ready"), PATIENCE, async || {
            assert_eq!(child.0.try_wait().unwrap(), None, "{name} ended");
            rows::count(url, &ready).await == 1
        })
        .await;
        child
    }

    /// Ends it as the signal means: by itself with success, or killed.
    pub(crate) async fn end(mut self, by: Signal) {
        signal(i32::try_from(self.0.id()).unwrap(), by);
        wait_until("it has ended", PATIENCE, async || self.0.try_wait().unwrap().is_some()).await;
        let ended = self.0.wait().unwrap();
        assert_eq!(ended.code(), (by != Signal::SIGKILL).then_some(0), "{ended}");
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        // Already gone: fine.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
