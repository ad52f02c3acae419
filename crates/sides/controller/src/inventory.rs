//! The instances that run, as they say themselves.

pub(crate) use ::schema::inventory::{Expected as Instance, expected as read};
