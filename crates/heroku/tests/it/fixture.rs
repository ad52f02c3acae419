//! A simulated Heroku with apps, and builds that are scripts.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use async_trait::async_trait;
use heroku::{Client, Heroku, Settings, Token};
use platform::place::{Bundle, BundleFile, Instance, Place};
use simulator::{
    Fault,
    conformance::{Build, Harness},
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
        patience: Duration::from_secs(30),
        pace: Duration::from_millis(50),
        preboot_window: simulator::Settings::default().preboot_window,
        settle: Duration::from_millis(300),
        most_copies: 10,
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

    fn script(&self, build: Build) -> PathBuf {
        let name = match build {
            Build::First => "first",
            Build::Second => "second",
            Build::NeverReady => "never",
        };
        let serve = "import http.server,os,signal,threading\n\
                     class H(http.server.BaseHTTPRequestHandler):\n \
                     def do_GET(s):\n  s.send_response(200);s.end_headers();s.wfile.write(os.environ['RELEASE'].encode())\n \
                     def log_message(s,*a): pass\n\
                     s=http.server.ThreadingHTTPServer(('127.0.0.1',int(os.environ['PORT'])),H)\n\
                     s.daemon_threads=False\n\
                     signal.signal(signal.SIGTERM,lambda *_:threading.Thread(target=s.shutdown).start())\n\
                     s.serve_forever();s.server_close()";
        let body = match (build, self.process) {
            (Build::NeverReady, "web") => "exec sleep 1000".to_owned(),
            (Build::NeverReady, _) => "exit 1".to_owned(),
            (_, "web") => format!("exec python3 -c \"{serve}\""),
            _ => "exec sleep 1000".to_owned(),
        };
        let file = self.files.path().join(name);
        fs::write(&file, format!("#!/bin/sh\necho {name} started\n{body}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
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
        let source = self.script(build);
        let release = format!("{build:?}").to_lowercase();
        let file = BundleFile { name: "program".to_owned(), source };
        (release, Bundle { command: "program".to_owned(), files: vec![file] })
    }

    async fn lose(&self, instance: &Instance) {
        self.simulator.lose(&instance.details["app"], &instance.details["dyno"]);
    }

    fn inject(&self, fault: Fault) -> bool {
        self.simulator.inject(fault);
        true
    }
}
