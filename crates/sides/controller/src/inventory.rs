//! The running instances, as their rows say.

pub(crate) use ::schema::inventory::{Expected as Instance, expected as read};
