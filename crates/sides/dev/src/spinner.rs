//! The progress of a step that takes a while.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{task::JoinHandle, time};

use terminal::{BUSY, PLAIN, Piece, QUIET, Screen, tell};

const FRAMES: [&str; 8] = ["⣾", "⣽", "⣻", "⢿", "⡿", "⣟", "⣯", "⣷"];

/// Shows what is being done and for how long; dropping it ends that.
pub(crate) struct Spinner {
    screen: Arc<Screen>,
    task: JoinHandle<()>,
}

impl Spinner {
    pub(crate) fn start(screen: &Arc<Screen>, step: &'static str) -> Self {
        let turning = Arc::clone(screen);
        let begun = Instant::now();
        let task = tokio::spawn(async move {
            for frame in FRAMES.iter().cycle() {
                let piece = |text, style| Piece { text, style };
                turning.status(&[
                    piece(format!("{frame} "), BUSY),
                    piece(step.to_owned(), PLAIN),
                    piece(format!("  {}", tell::seconds(begun.elapsed())), QUIET),
                ]);
                time::sleep(Duration::from_millis(100)).await;
            }
        });
        Self { screen: Arc::clone(screen), task }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.task.abort();
        self.screen.status(&[]);
    }
}
