//! One file a page.

pub(crate) mod greetings;
