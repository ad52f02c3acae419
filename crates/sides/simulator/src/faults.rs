//! Injected faults.

use std::collections::VecDeque;

/// Happens to the next orders (everything but GET), each to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is carried out, and the answer is lost.
    LostAnswer,
    /// 429 with `Retry-After: 1`; nothing is carried out.
    TooMany,
    /// 503; nothing is carried out.
    Down,
}

/// Each with the end of the path that it waits for; an empty one waits for none.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    next: VecDeque<(String, Fault)>,
    /// Nothing is answered, whatever is asked.
    pub(crate) is_away: bool,
}

impl Faults {
    pub(crate) fn add(&mut self, path: &str, fault: Fault) {
        self.next.push_back((path.to_owned(), fault));
    }

    /// What happens to this request.
    pub(crate) fn next(&mut self, method: &str, path: &str) -> Option<Fault> {
        if self.is_away {
            return Some(Fault::Down);
        }
        if method == "GET" || !path.ends_with(self.next.front()?.0.as_str()) {
            return None;
        }
        self.next.pop_front().map(|(_, fault)| fault)
    }
}
