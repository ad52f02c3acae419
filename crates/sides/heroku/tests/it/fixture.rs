//! A simulated Heroku with apps, and builds that are scripts.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use platform::place::{Bundle, Instance, Place};
use sides_heroku::{Client, Heroku, Settings, Token};
use simulator::{
    Fault,
    conformance::{self as suite, Build, Harness, Script},
};
use tempfile::TempDir;

pub(crate) struct Fixture {
    pub(crate) simulator: simulator::Heroku,
    pub(crate) place: Heroku,
    other: Heroku,
    process: &'static str,
    files: TempDir,
}

pub(crate) const WEB_APP: &str = "acme-web";

pub(crate) fn http(simulator: &simulator::Heroku) -> reqwest::Client {
    let proxy = reqwest::Proxy::http(simulator.router()).unwrap();
    let proxy = proxy.no_proxy(reqwest::NoProxy::from_string("127.0.0.1"));
    reqwest::Client::builder().proxy(proxy).build().unwrap()
}

pub(crate) fn client(simulator: &simulator::Heroku) -> Client {
    Client::new(&simulator.url(), Token::new(simulator.token()), http(simulator))
}

pub(crate) fn settings() -> Settings {
    let apps = [("web", WEB_APP), ("worker", "acme-worker")];
    Settings {
        apps: apps.iter().map(|(process, app)| ((*process).to_owned(), (*app).to_owned())).collect(),
        once: Default::default(),
        patience: Duration::from_secs(30),
        pace: Duration::from_millis(50),
        preboot_window: simulator::Settings::default().preboot_window,
        // A program that ends at once is seen to have ended within this, on a busy machine too.
        settle: Duration::from_secs(1),
        most_instances: 10,
        witness: None,
        probe: "/".to_owned(),
        preboot: BTreeMap::new(),
    }
}

impl Fixture {
    pub(crate) fn of(process: &'static str) -> Self {
        let simulator = simulator::Heroku::start(simulator::Settings::default());
        simulator.create_app(WEB_APP);
        simulator.create_app("acme-worker");
        let place = || Heroku::new("heroku", client(&simulator), settings());
        let files = tempfile::tempdir().unwrap();
        Self { place: place(), other: place(), simulator, process, files }
    }

    /// Ends with what the published schema says of everything that was sent and answered.
    pub(crate) fn check(&self) {
        assert_eq!(self.simulator.breaches(), Vec::<String>::new());
        assert!(self.simulator.seen().len() > 3, "nothing was asked");
    }
}

#[async_trait]
impl Harness for Fixture {
    fn place(&self) -> &dyn Place {
        &self.place
    }

    fn other(&self) -> &dyn Place {
        &self.other
    }

    fn process(&self) -> &str {
        self.process
    }

    fn build(&self, build: Build) -> (String, Bundle) {
        let script = match self.process {
            "web" => Script { listens: Some(("NO_HOST", "PORT")), never: "exec sleep 1000" },
            _ => Script { listens: None, never: "exit 1" },
        };
        let release = format!("{build:?}").to_lowercase();
        (release, suite::bundle(self.files.path(), "program", build, script))
    }

    async fn lose(&self, instance: &Instance) {
        self.simulator.lose(&instance.details["app"], &instance.details["dyno"]);
    }

    fn inject(&self, fault: Fault) -> bool {
        self.simulator.inject(fault);
        true
    }
}
