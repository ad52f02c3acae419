//! The runner's statements. Each is one round trip and one transaction.

pub(crate) mod claim;
pub(crate) mod control;
pub(crate) mod finish;
pub(crate) mod give_back;
pub(crate) mod lease;
pub(crate) mod places;
pub(crate) mod presence;
pub(crate) mod vacuum;
