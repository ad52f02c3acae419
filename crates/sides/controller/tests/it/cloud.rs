//! A simulated Heroku whose dynos are real processes.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, time::Duration};

use database::DatabaseUrl;
use heroku::{Client, Heroku, Settings, Token};
use platform::place::{Bundle, BundleFile, Place as _, Why};
use testing::Program;

use crate::watching::controller;

pub(crate) struct Cloud {
    pub(crate) simulator: simulator::Heroku,
    files: tempfile::TempDir,
}

impl Cloud {
    /// Where a dyno that died stays dead, as after many deaths there.
    pub(crate) fn new() -> Self {
        let crash_pause = Duration::from_secs(3600);
        let settings = simulator::Settings { crash_pause, ..simulator::Settings::default() };
        Self { simulator: simulator::Heroku::start(settings), files: tempfile::tempdir().expect("a folder") }
    }

    /// So many dynos of a process that run this script.
    pub(crate) async fn runs(&self, process: &str, count: u32, script: &str) {
        let app = format!("acme-{process}");
        self.simulator.create_app(&app);
        let source = self.files.path().join(process);
        fs::write(&source, format!("#!/bin/sh\n{script}\n")).expect("a script");
        fs::set_permissions(&source, fs::Permissions::from_mode(0o755)).expect("a program");
        let router = reqwest::Proxy::http(self.simulator.router()).expect("its address");
        let router = router.no_proxy(reqwest::NoProxy::from_string("127.0.0.1"));
        let http = reqwest::Client::builder().proxy(router).build().expect("a client");
        let client = Client::new(&self.simulator.url(), Token::new(self.simulator.token()), http);
        let apps = BTreeMap::from([(process.to_owned(), app)]);
        let pace = Duration::from_millis(50);
        let settings = Settings { apps, pace, settle: pace, ..Settings::default() };
        let place = Heroku::new("a test", client, settings);
        let bundle = Bundle {
            command: process.to_owned(),
            files: vec![BundleFile { name: process.to_owned(), source }],
        };
        let release = "a".repeat(64);
        let why = Why { asked_by: "a test".to_owned(), reason: "to begin".to_owned() };
        place.offer(process, &release, &bundle).await.expect("it is taken");
        place.put(process, &release, &why).await.expect("it runs");
        place.scale(process, count, &why).await.expect("all of them run");
    }

    /// The same of a process that does nothing.
    pub(crate) async fn idles(&self, process: &str, count: u32, url: &DatabaseUrl) {
        let idler = testing::example("idler");
        let script = format!(
            "export DATABASE_URL='{}' OPS_PORT=0 IDLER_NAME={process} IDLER_WORKS=1\nexec {}",
            url.expose(),
            idler.display()
        );
        self.runs(process, count, &script).await;
    }

    /// A controller of these apps, each of the process in its name.
    pub(crate) async fn controller(&self, url: &DatabaseUrl, variables: &[(&str, &str)]) -> Program {
        let address = self.simulator.url();
        let own = [
            ("HEROKU_API_KEY", self.simulator.token()),
            ("HEROKU_API_URL", address.as_str()),
            ("HEROKU_APPS", "worker=acme-worker, web=acme-web"),
            ("RECYCLE", "off"),
            ("RECONCILE_SECONDS", "1"),
        ];
        controller(url, &[&own, variables].concat()).await
    }

    /// Every order that was given since the dynos run: `DELETE /apps/acme-worker/dynos/worker.1`.
    pub(crate) fn orders(&self) -> Vec<String> {
        let seen = self.simulator.seen().into_iter().filter(|one| one.method != "GET");
        let said = seen.map(|one| match one.body["updates"][0]["quantity"].as_u64() {
            Some(count) => format!("{} {} {count}", one.method, one.path),
            None => format!("{} {}", one.method, one.path),
        });
        said.collect()
    }

    /// How often it was looked what runs of a process.
    pub(crate) fn looks(&self, process: &str) -> usize {
        let path = format!("/apps/acme-{process}/dynos");
        self.simulator.seen().iter().filter(|one| one.method == "GET" && one.path == path).count()
    }
}
