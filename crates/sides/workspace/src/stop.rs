//! The request to stop, wherever it comes from.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Ctrl-C, SIGTERM, a closed terminal, or a client of the control socket.
pub struct Stop {
    asked: CancellationToken,
    hurried: CancellationToken,
}

impl Stop {
    /// Takes the signals from now on.
    pub fn listen() -> io::Result<Self> {
        Self::listen_to(Some(signal(SignalKind::hangup())?))
    }

    /// As [`Stop::listen`], for who has another use for SIGHUP.
    pub fn listen_but_hangup() -> io::Result<Self> {
        Self::listen_to(None)
    }

    fn listen_to(mut hangup: Option<Signal>) -> io::Result<Self> {
        let stop = Self { asked: CancellationToken::new(), hurried: CancellationToken::new() };
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (asked, hurried) = (stop.asked.clone(), stop.hurried.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = received(&mut hangup) => {}
                }
                // The first one asks, the second one does not want to wait.
                if asked.is_cancelled() {
                    hurried.cancel();
                }
                asked.cancel();
            }
        });
        Ok(stop)
    }

    /// Waits until someone wants the end.
    pub async fn asked(&self) {
        self.asked.cancelled().await;
    }

    /// Waits until someone wants the end for the second time: now.
    pub async fn hurried(&self) {
        self.hurried.cancelled().await;
    }

    /// Cancelling it asks for the end.
    pub fn token(&self) -> CancellationToken {
        self.asked.clone()
    }
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
