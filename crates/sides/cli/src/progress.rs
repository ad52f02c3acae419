//! Shows the progress of a release on the screen.

use deploy::{News, Progress};
use terminal::{Piece, QUIET, Screen, tell};
use workspace::Workspace;

use crate::annotations;

/// The screen, and a CI run that shows refusals at their lines.
pub(crate) struct OnScreen<'a> {
    workspace: &'a Workspace,
    pub(crate) screen: Screen,
}

impl<'a> OnScreen<'a> {
    pub(crate) fn new(workspace: &'a Workspace, screen: Screen) -> Self {
        Self { workspace, screen }
    }

    /// On a terminal in the status line, elsewhere in a line of its own, so that nobody waits for a log that says nothing.
    fn begin(&self, what: &str) {
        match self.screen.is_terminal() {
            true => self.screen.status(&[Piece { text: format!("{what} …"), style: QUIET }]),
            false => self.screen.line(&format!("{} {what} …", chrono::Utc::now().format("%TZ"))),
        }
    }
}

impl Progress for OnScreen<'_> {
    fn tell(&self, news: News<'_>) {
        let (screen, palette) = (&self.screen, self.screen.palette);
        match news {
            News::Text(text) => screen.line(text),
            News::Begins(what) => self.begin(what),
            News::GoesOn(what, since) => {
                self.begin(&format!("still working: {what}, {}", tell::seconds(since)));
            }
            News::Ended => screen.status(&[]),
            News::Done(what, took) => screen.line(&tell::done(palette, what, took)),
            News::Notice(text) => screen.line(&tell::notice(palette, text)),
            News::Fault(text) => screen.line(&tell::fault(palette, text)),
            News::Refused(refused) => {
                let text = format!("refused: {refused}\nNothing was changed.");
                screen.line(&tell::fault(palette, &text));
                annotations::show(self.workspace, refused);
            }
        }
    }
}
