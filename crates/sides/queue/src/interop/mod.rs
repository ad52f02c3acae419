//! Jobs written for fang 0.11, run as they are.
//!
//! Their types implement fang's `AsyncRunnable`; their rows are what fang's typetag writes. They get a
//! [`FangQueue`], which is this queue behind fang's own interface.

mod handle;
mod kinds;
mod next;
mod queueable;
mod row;
mod write;

pub use self::{kinds::fang_kinds, queueable::FangQueue};
