//! What goes wrong on the way.

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

#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push_back(fault);
    }

    /// What happens to this request.
    pub(crate) fn next(&mut self, method: &str) -> Option<Fault> {
        if method == "GET" { None } else { self.0.pop_front() }
    }
}
