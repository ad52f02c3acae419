//! Controllers that watch real processes, and tell it without the queue.

use std::process::Command;

use database::DatabaseUrl;
use nix::sys::signal::Signal;
use testing::{Cable, Program, wait_until};

use crate::{
    fixture::{PATIENCE, Scene},
    listener::Listener,
};

const WATCH: [(&str, &str); 3] = [("WATCH_SECONDS", "1"), ("WATCH_FAILURES", "2"), ("DEADMAN_SECONDS", "1")];

async fn started(mut command: Command, url: &DatabaseUrl, variables: &[(&str, &str)]) -> Program {
    command.env("DATABASE_URL", url.expose()).env("OPS_PORT", "0").env("LOG_FORMAT", "json");
    let program = Program::start(command.envs(variables.iter().copied()));
    program.ops_address().await;
    program
}

pub(crate) async fn controller(url: &DatabaseUrl, variables: &[(&str, &str)]) -> Program {
    let command = Command::new(testing::example("controller"));
    let controller = started(command, url, &[&WATCH, variables].concat()).await;
    controller.answers("/readyz", 200, "ready").await;
    controller
}

/// A process of this name that does nothing. A worker says that it works jobs.
pub(crate) async fn idler(url: &DatabaseUrl, name: &str, variables: &[(&str, &str)]) -> Program {
    let command = Command::new(testing::example("idler"));
    let works: &[_] = if name == "worker" { &[("IDLER_WORKS", "1")] } else { &[] };
    started(command, url, &[&[("IDLER_NAME", name)], works, variables].concat()).await
}

impl Scene {
    pub(crate) async fn until_ready(&mut self, count: usize) {
        let query = format!("SELECT count(*) = {count} FROM sides.instances WHERE state = 'ready'");
        self.questions.until(&query).await;
    }

    /// The rows about a process, as `action; outcome`, in their order.
    pub(crate) async fn actions(&mut self, process: &str) -> Vec<String> {
        let query = format!(
            "SELECT string_agg(action || '; ' || outcome, '\n' ORDER BY id) FROM sides.actions
             WHERE subject LIKE '{process}%'"
        );
        self.questions.text(&query).await.lines().map(str::to_owned).collect()
    }

    pub(crate) async fn until_found(&mut self, process: &str, action: &str) {
        let query = format!(
            "SELECT count(*) > 0 FROM sides.actions
             WHERE subject LIKE '{process}%' AND action = '{action}' AND outcome <> 'begun'"
        );
        self.questions.until(&query).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_is_written_down_once_and_told_when_no_worker_is_left() {
    let mut scene = Scene::new().await;
    let url = scene.database.url().clone();
    let outside = Listener::start().await;
    let told = [("WATCH_WEBHOOK_URL", outside.url.as_str())];
    let _controllers = (controller(&url, &told).await, controller(&url, &told).await);
    let (web, worker) = (idler(&url, "web", &[]).await, idler(&url, "worker", &[]).await);
    scene.until_ready(4).await;

    web.signal(Signal::SIGKILL);
    scene.until_found("web", "found unreachable").await;
    assert_eq!(
        scene.actions("web").await,
        ["found unreachable; the queue works: the monitor's incidents tell it"]
    );
    assert!(outside.heard().is_empty());
    // What a quarter of a minute of silence would do.
    let silent =
        "UPDATE sides.instances SET heartbeat_at = now() - interval '1 minute' WHERE process = 'web'";
    scene.questions.run(silent).await;
    scene.until_found("web", "found down").await;
    worker.signal(Signal::SIGKILL);
    scene.until_found("worker", "found unreachable").await;
    let heard = outside.heard();
    assert_eq!(heard.len(), 1, "one controller tells it: {heard:?}");
    for expected in [
        "POST /told",
        "\"action\":\"found unreachable\"",
        "\"subject\":\"worker ",
        "the network path may be down",
    ] {
        assert!(heard[0].contains(expected), "{heard:?}");
    }
    assert_eq!(scene.actions("worker").await, ["found unreachable; notified the webhook, attempt 1: 200 OK"]);

    let _again = idler(&url, "web", &[]).await;
    scene.until_found("web", "found gone").await;
    let measured = "SELECT measured ->> 'failures_in_a_row' FROM sides.actions
        WHERE subject LIKE 'web%' AND action = 'found down' AND asked_by LIKE 'controller %'";
    assert_eq!(scene.questions.text(measured).await, "2");
    assert_eq!(scene.actions("web").await.len(), 3, "two controllers write it down once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_process_is_found_and_found_well_again() {
    let mut scene = Scene::new().await;
    let url = scene.database.url().clone();
    let _controller = controller(&url, &[]).await;
    let (web, _worker) = (idler(&url, "web", &[]).await, idler(&url, "worker", &[]).await);
    scene.until_ready(3).await;
    web.signal(Signal::SIGSTOP);
    scene.until_found("web", "found unreachable").await;
    web.signal(Signal::SIGCONT);
    scene.until_found("web", "found well").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_database_is_told_at_once_and_written_down_later() {
    let mut scene = Scene::new().await;
    let outside = Listener::start().await;
    let cable = Cable::to(scene.database.url()).await;
    let _controller = controller(cable.url(), &[("WATCH_WEBHOOK_URL", outside.url.as_str())]).await;
    let worker = idler(scene.database.url(), "worker", &[]).await;
    scene.until_ready(2).await;
    // Some rounds, so that it knows whom to ask.
    scene.goes_on("heartbeat").await;
    cable.cut();
    wait_until("the outside is told", PATIENCE, async || !outside.heard().is_empty()).await;
    assert!(outside.heard()[0].contains("\"subject\":\"database\""), "{:?}", outside.heard());
    // It goes on asking while the database is unavailable.
    worker.signal(Signal::SIGKILL);
    let told = async || outside.heard().iter().any(|one| one.contains("\"subject\":\"worker "));
    wait_until("the outside is told of the worker too", PATIENCE, told).await;
    assert_eq!(scene.questions.number("SELECT count(*) FROM sides.actions").await, 0);
    cable.mend();
    scene.until_found("database", "found well").await;
    assert_eq!(scene.actions("database").await[0], "found down; notified the webhook, attempt 1: 200 OK");
    let early = "SELECT count(*) FROM sides.actions AS down JOIN sides.actions AS well USING (subject)
        WHERE down.action = 'found down' AND well.action = 'found well' AND down.at < well.at";
    assert_eq!(scene.questions.number(early).await, 1);
    scene.until_found("worker", "found down").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dead_mans_switch_is_called_while_all_is_well_and_only_then() {
    let mut scene = Scene::new().await;
    let url = scene.database.url().clone();
    let outside = Listener::start().await;
    let web = idler(&url, "web", &[]).await;
    scene.until_ready(1).await;
    let _controller = controller(&url, &[("DEADMAN_URL", outside.url.as_str())]).await;
    wait_until("it is called", PATIENCE, async || outside.heard().len() > 2).await;
    web.signal(Signal::SIGSTOP);
    scene.until_found("web", "found unreachable").await;
    let heard = outside.heard().len();
    scene.goes_on("heartbeat").await;
    assert_eq!(outside.heard().len(), heard, "no call while something is down");
    web.signal(Signal::SIGCONT);
    wait_until("it is called again", PATIENCE, async || outside.heard().len() > heard).await;
}
