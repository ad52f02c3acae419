//! What the copies of every process say about themselves, asked in each round.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::Client;
use uuid::Uuid;

use super::{
    memory::{self, Line, Series},
    metrics::Figures,
};
use crate::watch::roster::Instance;

const LIMIT: Duration = Duration::from_secs(2);

/// The answers so far.
pub(super) struct Looks {
    own: Uuid,
    client: Client,
    began: Instant,
    series: HashMap<Uuid, Series>,
    figures: HashMap<Uuid, Figures>,
    latency: HashMap<String, Duration>,
}

impl Looks {
    /// `own` is the instance that looks: ports of loopback mean something on its machine only.
    pub(super) fn new(own: Uuid) -> reqwest::Result<Self> {
        Ok(Self {
            own,
            // Plain HTTP: the machine's certificates need not be held once more.
            client: Client::builder().no_proxy().tls_certs_only([]).timeout(LIMIT).build()?,
            began: Instant::now(),
            series: HashMap::new(),
            figures: HashMap::new(),
            latency: HashMap::new(),
        })
    }

    /// Asks every copy for its memory and its requests.
    pub(super) async fn look(&mut self, roster: &[Instance]) {
        let host = self.host(roster).unwrap_or_default();
        let asked = roster.iter().filter(|one| one.is_askable_from(host));
        let asked = asked.map(async |one| {
            let answer = self.client.get(format!("http://{}/metrics", one.ops_address)).send().await.ok()?;
            Some((one, Figures::read(&answer.text().await.ok()?)))
        });
        let answers: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
        self.latency.clear();
        for (instance, figures) in answers {
            if let Some(bytes) = figures.memory {
                let series = self.series.entry(instance.id).or_default();
                series.take(self.began.elapsed().as_secs_f64(), memory::bytes(bytes));
            }
            let before = self.figures.insert(instance.id, figures.clone());
            if let Some(latency) = before.and_then(|before| figures.latency_since(&before)) {
                let slowest = self.latency.entry(instance.process.clone()).or_default();
                *slowest = latency.max(*slowest);
            }
        }
        self.series.retain(|id, _| roster.iter().any(|one| one.id == *id));
        self.figures.retain(|id, _| roster.iter().any(|one| one.id == *id));
    }

    pub(super) fn series(&self) -> &HashMap<Uuid, Series> {
        &self.series
    }

    /// The line on which an instance's memory grows, once there is one.
    pub(super) fn line(&self, instance: Uuid) -> Option<Line> {
        self.series.get(&instance).and_then(Series::line)
    }

    /// The slowest answers of a process' copies in the last round.
    pub(super) fn latency(&self, process: &str) -> Option<Duration> {
        self.latency.get(process).copied()
    }

    /// What the largest copy of a process on this machine holds, in bytes.
    pub(super) fn largest(&self, process: &str, roster: &[Instance]) -> Option<u64> {
        let host = self.host(roster);
        let here = roster.iter().filter(|one| one.process == process && Some(one.host.as_str()) == host);
        here.filter_map(|one| self.figures.get(&one.id)?.memory).max()
    }

    /// This machine, as its rows name it.
    pub(super) fn host<'a>(&self, roster: &'a [Instance]) -> Option<&'a str> {
        roster.iter().find(|one| one.id == self.own).map(|one| one.host.as_str())
    }
}
