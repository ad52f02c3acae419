//! The events of a release, without how they look.

use std::time::{Duration, Instant};

use tokio::time;

use crate::release::Refused;

/// How long a step may go on before that is said once more.
const STILL: Duration = Duration::from_secs(15);

/// One thing that a person who waits should know.
#[derive(Debug, Clone, Copy)]
pub enum News<'a> {
    /// Something to read, of one line or several.
    Text(&'a str),
    /// A step begins.
    Begins(&'a str),
    /// A step takes long, and goes on since then.
    GoesOn(&'a str, Duration),
    /// The step that began is over, well or not.
    Ended,
    /// A step is done, and how long it took.
    Done(&'a str, Duration),
    /// Something that a person should notice.
    Notice(&'a str),
    /// Something that is wrong.
    Fault(&'a str),
    /// There is no order in which it could go.
    Refused(&'a Refused),
}

/// The receiver of progress events.
pub trait Progress: Sync {
    /// Tells it at once: whoever reads may wait for it.
    fn tell(&self, news: News<'_>);
}

impl dyn Progress + '_ {
    pub(crate) fn text(&self, text: &str) {
        self.tell(News::Text(text));
    }

    /// Waits for what takes a while, and tells that it begins, that it goes on, and that it is over.
    pub(crate) async fn during<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        self.tell(News::Begins(what));
        let mut work = std::pin::pin!(work);
        let answer = loop {
            tokio::select! {
                answer = &mut work => break answer,
                () = time::sleep(STILL) => self.tell(News::GoesOn(what, begun.elapsed())),
            }
        };
        self.tell(News::Ended);
        answer
    }

    pub(crate) fn done(&self, what: &str, took: Duration) {
        self.tell(News::Done(what, took));
    }

    pub(crate) fn notice(&self, text: &str) {
        self.tell(News::Notice(text));
    }

    pub(crate) fn fault(&self, text: &str) {
        self.tell(News::Fault(text));
    }
}
