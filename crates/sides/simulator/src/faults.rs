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
pub(crate) struct Faults(VecDeque<(String, Fault)>);

impl Faults {
    pub(crate) fn add(&mut self, path: &str, fault: Fault) {
        self.0.push_back((path.to_owned(), fault));
    }

    /// What happens to this request.
    pub(crate) fn next(&mut self, method: &str, path: &str) -> Option<Fault> {
        if method == "GET" || !path.ends_with(self.0.front()?.0.as_str()) {
            return None;
        }
        self.0.pop_front().map(|(_, fault)| fault)
    }
}
