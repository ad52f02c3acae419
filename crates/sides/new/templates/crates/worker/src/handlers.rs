//! One handler per job kind, in a file of the kind's name.

pub(crate) mod greet;
