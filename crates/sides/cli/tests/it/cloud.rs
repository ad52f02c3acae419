//! A simulated Heroku beside a host of this machine, and the commands that know of both.

use std::{
    fs,
    process::{Command, Output},
};

use serde_json::Value;
use simulator::{Heroku, Settings};
use testing::TestDatabase;

use crate::{
    host::Dev,
    releasing::{ended, start_host},
    sandbox::Sandbox,
    toy,
};

const CLOUD: &str = "[places.cloud]\nkind = \"heroku\"\n[processes]\n";
pub(crate) const WEB: &str = "web = { place = \"cloud\", app = \"acme-web\" }\n";
pub(crate) const WORKER: &str = "worker = { place = \"cloud\", app = \"acme-worker\" }\n";

pub(crate) fn write_targets(sandbox: &Sandbox, processes: &str) {
    fs::create_dir_all(sandbox.file("deploy")).unwrap();
    fs::write(sandbox.file("deploy/targets.toml"), format!("{CLOUD}{processes}")).unwrap();
}

/// With the way to a simulated Heroku and its router in its environment.
pub(crate) fn with_heroku(mut command: Command, heroku: &Heroku) -> Command {
    command.env("HEROKU_API_URL", heroku.url()).env("HEROKU_API_KEY", heroku.token());
    command.env("HTTP_PROXY", heroku.router()).env("NO_PROXY", "127.0.0.1");
    command
}

/// A workspace, a host of this machine, and a simulated Heroku beside it.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) heroku: Heroku,
    pub(crate) host: Dev,
    pub(crate) database: TestDatabase,
}

impl World {
    /// What the targets name was set up at Heroku; nothing was released yet.
    pub(crate) async fn new(targets: &str) -> Self {
        let database = TestDatabase::create().await;
        let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
        toy::write_workspace(&sandbox);
        let settings = Settings { database_url: database.url().expose(), ..Settings::default() };
        let heroku = Heroku::start(settings);
        let mut host = start_host(&sandbox);
        host.says("worker has not been released yet").await;
        let world = Self { sandbox, heroku, host, database };
        world.targets(targets);
        ended(&world.run(&["setup", "heroku", "--apply"]).await, 0);
        world
    }

    pub(crate) fn targets(&self, processes: &str) {
        write_targets(&self.sandbox, processes);
    }

    /// `sides …`, with the way to the simulated Heroku and its router in the environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        with_heroku(self.sandbox.sides(arguments), &self.heroku)
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    pub(crate) async fn release(&self, code: i32) -> String {
        ended(&self.run(&["release", "--bake", "0"]).await, code)
    }

    /// A line of the runbook, as a shell reads it; what it releases is not watched for long.
    pub(crate) async fn shell(&self, line: &str) -> String {
        let like = self.command(&[]);
        let mut shell = Command::new("sh");
        shell.args(["-ec", &line.replace("sides release", "sides release --bake 0")]);
        shell.current_dir(self.sandbox.path());
        for (name, value) in like.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let output = tokio::task::spawn_blocking(move || shell.output().unwrap()).await.unwrap();
        ended(&output, 0)
    }

    /// What a visitor of the web app sees.
    pub(crate) async fn seen(&self) -> String {
        let proxy = reqwest::Proxy::http(self.heroku.router()).unwrap();
        let visitor = reqwest::Client::builder().proxy(proxy).build().unwrap();
        visitor.get("http://acme-web.herokuapp.com/").send().await.unwrap().text().await.unwrap()
    }

    pub(crate) async fn instances(&self, code: i32) -> Vec<Value> {
        let output = self.run(&["ps", "--json"]).await;
        ended(&output, code);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// How often slugs were released at an app.
    pub(crate) fn releases_of(&self, app: &str) -> usize {
        let path = format!("/apps/{app}/releases");
        self.heroku.seen().iter().filter(|one| one.method == "POST" && one.path == path).count()
    }
}
