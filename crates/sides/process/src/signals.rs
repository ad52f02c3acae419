//! From a signal to a drain, and from an endless drain to a hard exit.

use std::{io, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep_until, timeout_at},
};

use crate::Drain;

/// What the work gets after its limit to give back what it holds, before the process ends hard.
const GRACE: Duration = Duration::from_secs(3);
/// Signals this close together are one request: a terminal sends SIGINT to the whole group while a supervisor
/// sends SIGTERM, and some platforms send SIGTERM twice.
const SAME_WISH: Duration = Duration::from_secs(1);

pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes over SIGTERM and SIGINT.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Starts the drain at the first signal; ends the process at the second, or when the drain takes too long.
    pub(crate) async fn watch(mut self, drain: &Drain, limit: Duration) -> std::convert::Infallible {
        tokio::select! {
            name = self.next() => {
                tracing::info!(drain.limit_s = limit.as_secs(), "{name}: draining; a second signal stops at once");
                drain.start();
            }
            () = drain.started() => {}
        }
        let hard_at = Instant::now() + limit + GRACE;
        let same_wish_until = Instant::now() + SAME_WISH;
        while timeout_at(same_wish_until, self.next()).await.is_ok() {}
        let reason = tokio::select! {
            name = self.next() => format!("{name} while draining"),
            () = sleep_until(hard_at) => format!("the drain took longer than {} s", limit.as_secs()),
        };
        tracing::error!("ended hard: {reason}");
        std::process::exit(1);
    }
}
