//! The state of Heroku.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::Child,
    time::Instant,
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Settings, faults::Faults, launch::Output, router::InFlight};

pub(crate) struct State {
    pub(crate) settings: Settings,
    /// Where slugs lie.
    pub(crate) folder: PathBuf,
    pub(crate) address: String,
    pub(crate) apps: BTreeMap<String, App>,
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    pub(crate) addons: BTreeMap<String, Addon>,
    pub(crate) log_sessions: BTreeMap<String, LogSession>,
    pub(crate) faults: Faults,
    pub(crate) seen: Vec<crate::Seen>,
    /// Requests and answers that the published schema does not allow.
    pub(crate) breaches: Vec<String>,
}

#[derive(Default)]
pub(crate) struct App {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) config: BTreeMap<String, String>,
    pub(crate) slugs: BTreeMap<String, Slug>,
    pub(crate) releases: Vec<Release>,
    pub(crate) formation: BTreeMap<String, u32>,
    pub(crate) dynos: Vec<Dyno>,
    /// Were told to leave, or go on beside their successors with preboot.
    pub(crate) leaving: Vec<Leaving>,
    pub(crate) log: Vec<Line>,
    pub(crate) features: BTreeSet<String>,
    pub(crate) attached: BTreeSet<String>,
    pub(crate) one_offs: u32,
}

pub(crate) struct Slug {
    pub(crate) id: Uuid,
    pub(crate) process_types: BTreeMap<String, String>,
    pub(crate) commit: Option<String>,
    pub(crate) checksum: Option<String>,
    pub(crate) description: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Release {
    pub(crate) id: Uuid,
    pub(crate) version: u32,
    pub(crate) slug: Option<Uuid>,
    pub(crate) description: String,
    pub(crate) created_at: DateTime<Utc>,
}

pub(crate) struct Dyno {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) command: String,
    pub(crate) version: u32,
    pub(crate) release: Uuid,
    pub(crate) state: &'static str,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) begun: Instant,
    pub(crate) child: Option<Child>,
    pub(crate) output: Output,
    pub(crate) port: u16,
    pub(crate) in_flight: InFlight,
}

pub(crate) struct Leaving {
    pub(crate) dyno: Dyno,
    /// From then on it gets no visitors, and SIGTERM once none is left.
    pub(crate) out_at: Instant,
    /// When it gets SIGKILL, once it has got SIGTERM.
    pub(crate) killed_at: Option<Instant>,
}

pub(crate) struct Line {
    pub(crate) dyno: String,
    pub(crate) text: String,
}

pub(crate) struct LogSession {
    pub(crate) app: String,
    pub(crate) lines: usize,
    pub(crate) dyno: Option<String>,
    pub(crate) kind: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Addon {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) app: String,
    pub(crate) plan: String,
}

impl App {
    pub(crate) fn brief(&self) -> Value {
        json!({"id": self.id, "name": self.name})
    }

    pub(crate) fn current(&self) -> Option<&Release> {
        self.releases.last()
    }

    pub(crate) fn has_preboot(&self) -> bool {
        self.features.contains("preboot")
    }

    pub(crate) fn say(&mut self, source: &str, dyno: &str, text: &str) {
        let now = Utc::now().format("%Y-%m-%dT%H:%M:%S%.6f+00:00");
        let text = format!("{now} {source}[{dyno}]: {text}");
        self.log.push(Line { dyno: dyno.to_owned(), text });
    }
}
