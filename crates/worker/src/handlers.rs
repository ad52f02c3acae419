//! One handler per job kind, in a file of the kind's name.

pub(crate) mod deliver_webhook;
pub(crate) mod ping_due_services;
pub(crate) mod ping_service;
pub(crate) mod prune_history;
pub(crate) mod roll_up_pings;
