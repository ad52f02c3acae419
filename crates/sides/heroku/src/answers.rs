//! The parts of Heroku's answers that are read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct App {
    /// None for apps that no router leads to.
    pub(crate) web_url: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Slug {
    pub(crate) id: String,
    /// The release's digest, as it was given.
    pub(crate) commit: Option<String>,
    pub(crate) blob: Blob,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Blob {
    pub(crate) url: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Release {
    pub(crate) id: String,
    pub(crate) version: u64,
    pub(crate) slug: Option<Id>,
    pub(crate) status: Status,
    pub(crate) created_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Pending,
    Succeeded,
    Failed,
    Expired,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Id {
    pub(crate) id: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Formation {
    pub(crate) r#type: String,
    pub(crate) quantity: u32,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Dyno {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) r#type: String,
    pub(crate) command: String,
    /// crashed, down, idle, starting or up
    pub(crate) state: String,
    pub(crate) release: DynoRelease,
    pub(crate) size: String,
    pub(crate) created_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct DynoRelease {
    pub(crate) version: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct LogSession {
    pub(crate) logplex_url: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Feature {
    pub(crate) enabled: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Addon {
    pub(crate) name: String,
    pub(crate) plan: Name,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Name {
    pub(crate) name: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Attachment {
    /// `DATABASE` sets `DATABASE_URL`.
    pub(crate) name: String,
    pub(crate) addon: NamedAddon,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct NamedAddon {
    pub(crate) app: Name,
}

/// Configuration variables; values may be secrets, so they are never printed.
pub(crate) type Config = BTreeMap<String, String>;
