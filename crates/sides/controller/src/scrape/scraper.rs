//! Scrapes the metrics of every instance once per round.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::Client;
use uuid::Uuid;

use super::{
    memory::{self, Line, Series},
    sample::Sample,
};
use crate::inventory::Instance;

const LIMIT: Duration = Duration::from_secs(2);

/// The answers so far.
pub(crate) struct Scraper {
    own: Uuid,
    client: Client,
    began: Instant,
    series: HashMap<Uuid, Series>,
    samples: HashMap<Uuid, Sample>,
    latency: HashMap<String, Duration>,
}

impl Scraper {
    /// `own` is the instance that scrapes: ports of loopback mean something on its machine only.
    pub(crate) fn new(own: Uuid) -> reqwest::Result<Self> {
        Ok(Self {
            own,
            // Plain HTTP: the machine's certificates need not be held once more.
            client: Client::builder().no_proxy().tls_certs_only([]).timeout(LIMIT).build()?,
            began: Instant::now(),
            series: HashMap::new(),
            samples: HashMap::new(),
            latency: HashMap::new(),
        })
    }

    /// Asks every instance for its memory and its requests.
    pub(crate) async fn scrape(&mut self, instances: &[Instance]) {
        let host = self.host(instances).unwrap_or_default();
        let asked = instances.iter().filter(|one| one.is_askable_from(host));
        let asked = asked.map(async |one| {
            let answer = self.client.get(format!("http://{}/metrics", one.ops_address)).send().await.ok()?;
            Some((one, Sample::read(&answer.text().await.ok()?)))
        });
        let answers: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
        self.latency.clear();
        for (instance, sample) in answers {
            if let Some(bytes) = sample.memory {
                let series = self.series.entry(instance.id).or_default();
                series.take(self.began.elapsed().as_secs_f64(), memory::bytes(bytes));
            }
            let before = self.samples.insert(instance.id, sample.clone());
            if let Some(latency) = before.and_then(|before| sample.latency_since(&before)) {
                let slowest = self.latency.entry(instance.process.clone()).or_default();
                *slowest = latency.max(*slowest);
            }
        }
        self.series.retain(|id, _| instances.iter().any(|one| one.id == *id));
        self.samples.retain(|id, _| instances.iter().any(|one| one.id == *id));
    }

    pub(crate) fn series(&self) -> &HashMap<Uuid, Series> {
        &self.series
    }

    /// The line on which an instance's memory grows, once there is one.
    pub(crate) fn line(&self, instance: Uuid) -> Option<Line> {
        self.series.get(&instance).and_then(Series::line)
    }

    /// The slowest answers of a process' instances in the last round.
    pub(crate) fn latency(&self, process: &str) -> Option<Duration> {
        self.latency.get(process).copied()
    }

    /// What the largest instance of a process on this machine holds, in bytes.
    pub(crate) fn largest(&self, process: &str, instances: &[Instance]) -> Option<u64> {
        let host = self.host(instances);
        let here = instances.iter().filter(|one| one.process == process && Some(one.host.as_str()) == host);
        here.filter_map(|one| self.samples.get(&one.id)?.memory).max()
    }

    /// This machine, as its rows name it.
    pub(crate) fn host<'a>(&self, instances: &'a [Instance]) -> Option<&'a str> {
        instances.iter().find(|one| one.id == self.own).map(|one| one.host.as_str())
    }
}
