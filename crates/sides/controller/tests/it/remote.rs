//! What lives at Heroku is kept there: restarted, recycled and scaled through its API, and no more than that.

use std::process::Command;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use simulator::Fault;
use testing::{Program, wait_until};

use crate::{
    cloud::Cloud,
    fixture::{PATIENCE, Scene},
};

const RESTART: &str = "DELETE /apps/acme-worker/dynos/worker.1";
/// What a quarter of a minute of silence would do.
const SILENT: &str =
    "UPDATE sides.instances SET heartbeat_at = now() - interval '1 minute' WHERE process = 'worker'";

impl Scene {
    /// The worker's first dyno hangs: it runs, and nobody hears of it.
    async fn hang(&mut self) {
        self.until_dynos(1).await;
        let pid = self.questions.number("SELECT pid FROM sides.instances WHERE host LIKE 'worker.1@%'").await;
        let pid = Pid::from_raw(i32::try_from(pid).expect("a process' id fits"));
        kill(pid, Signal::SIGSTOP).expect("it runs");
        self.questions.run(SILENT).await;
    }

    async fn until_dynos(&mut self, count: usize) {
        let ready = "SELECT count(*) FROM sides.instances WHERE state = 'ready' AND host LIKE 'worker._@%'";
        self.questions.until(&format!("SELECT ({ready}) = {count}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dyno_that_hangs_is_started_afresh_once_even_when_the_answer_is_lost() {
    let (mut scene, cloud) = (Scene::new().await, Cloud::new());
    let url = scene.database.url().clone();
    cloud.idles("worker", 1, &url).await;
    let before = cloud.orders().len();
    cloud.simulator.inject_at("/dynos/worker.1", Fault::LostAnswer);
    let controllers = (cloud.controller(&url, &[]).await, cloud.controller(&url, &[]).await);
    scene.hang().await;
    scene.until_found("worker", "restart").await;
    let row = "SELECT concat_ws('; ', subject, asked_by, reason, outcome) FROM sides.actions
        WHERE action = 'restart'";
    let row = scene.questions.text(row).await;
    assert!(row.starts_with("worker; controller ") && row.contains("; worker.1: no heartbeat for "), "{row}");
    assert!(row.contains("; done in ") && row.ends_with(" by Heroku"), "{row}");
    // The dyno that follows has its name, and is not taken for it.
    scene.until_found("worker", "found gone").await;
    scene.goes_on("heartbeat").await;
    assert_eq!(cloud.orders()[before..], [RESTART.to_owned()]);
    assert_eq!(cloud.simulator.breaches(), Vec::<String>::new());

    let key = cloud.simulator.token();
    for controller in [&controllers.0, &controllers.1] {
        assert!(!controller.output().contains(key), "{}", controller.output());
        for page in ["/status", "/metrics", "/livez", "/readyz"] {
            assert!(!controller.get(page).await.1.contains(key), "{page}");
        }
        let words = std::fs::read_to_string(format!("/proc/{}/cmdline", controller.id())).unwrap();
        assert!(!words.contains(key), "{words}");
    }
    let rows = "SELECT string_agg(one::text, '') FROM sides.actions AS one";
    assert!(!scene.questions.text(rows).await.contains(key));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_heroku_starts_again_itself_is_left_to_it_and_it_is_seldom_asked() {
    let (mut scene, cloud) = (Scene::new().await, Cloud::new());
    let url = scene.database.url().clone();
    cloud.idles("worker", 1, &url).await;
    scene.until_dynos(1).await;
    let (orders, looks) = (cloud.orders(), cloud.looks("worker"));
    cloud.simulator.lose("acme-worker", "worker.1");
    let _controller = cloud.controller(&url, &[]).await;
    scene.questions.run(SILENT).await;
    scene.until_found("worker", "found down").await;
    wait_until("it is looked for", PATIENCE, async || cloud.looks("worker") > looks).await;
    // Some rounds, in each of which it is down.
    scene.goes_on("heartbeat").await;
    assert_eq!(cloud.orders(), orders, "it crashed");
    let asked = cloud.looks("worker") - looks;
    assert!(asked <= 2, "asked {asked} times in as many seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_is_said() {
    let (mut scene, cloud) = (Scene::new().await, Cloud::new());
    let url = scene.database.url().clone();
    cloud.idles("worker", 1, &url).await;
    for _ in 0..4 {
        cloud.simulator.inject_at("/dynos/worker.1", Fault::Down);
    }
    let _controller = cloud.controller(&url, &[]).await;
    scene.hang().await;
    scene.until_found("worker", "restart").await;
    let outcome = "SELECT outcome FROM sides.actions WHERE action = 'restart'";
    let outcome = scene.questions.text(outcome).await;
    assert!(outcome.starts_with("not known: Heroku does not answer: DELETE "), "{outcome}");
    assert!(
        outcome.ends_with("answered 503; it is not known what it did, so look at what is running"),
        "{outcome}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_are_recycled_in_place_one_after_the_other() {
    let (mut scene, cloud) = (Scene::new().await, Cloud::new());
    let url = scene.database.url().clone();
    cloud.idles("worker", 2, &url).await;
    scene.until_dynos(2).await;
    let before = cloud.orders().len();
    scene.questions.run(&format!("SELECT pg_advisory_lock({})", i64::from_be_bytes(*b"sidesrel"))).await;
    let _controller = cloud.controller(&url, &[("RECYCLE", "every 4 s jitter 1 s")]).await;
    scene.goes_on("heartbeat").await;
    assert_eq!(cloud.orders().len(), before, "a release is in progress");
    scene.questions.run("SELECT pg_advisory_unlock_all()").await;
    let done = "SELECT count(*) > 1 FROM sides.actions WHERE action = 'recycle' AND outcome LIKE 'done in %'";
    scene.questions.until(done).await;
    let mut orders = cloud.orders()[before..before + 2].to_vec();
    orders.sort();
    assert_eq!(orders, [RESTART.to_owned(), RESTART.replace("worker.1", "worker.2")]);
    let row = "SELECT reason FROM sides.actions WHERE action = 'recycle' ORDER BY id LIMIT 1";
    assert!(scene.questions.text(row).await.ends_with(": due by RECYCLE"));
    // The dyno that followed the first was ready before the second had its turn.
    let rash = "SELECT count(*) FROM (
            SELECT reason, at, lead(at) OVER (ORDER BY id) AS next FROM sides.actions WHERE action = 'recycle'
        ) AS one WHERE next IS NOT NULL AND NOT EXISTS (
            SELECT FROM sides.instances WHERE split_part(host, '@', 1) = split_part(reason, ':', 1)
                AND started_at > one.at - interval '1 s' AND started_at < next)";
    assert_eq!(scene.questions.number(rash).await, 0);
    assert_eq!(cloud.simulator.breaches(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn dynos_follow_the_jobs_and_no_more_than_the_plan_allows() {
    let (mut scene, cloud) = (Scene::new().await, Cloud::new());
    let url = scene.database.url().clone();
    cloud.idles("worker", 1, &url).await;
    scene.until_dynos(1).await;
    let before = cloud.orders().len();
    let work = "INSERT INTO sides.runners (id, instance, release, kinds, concurrency, lease_until)
         SELECT id, id, release, '{nap}', 4, now() + interval '1 hour' FROM sides.instances;
         INSERT INTO sides.fang_tasks (metadata) SELECT '{\"type\": \"nap\"}' FROM generate_series(1, 40)";
    scene.questions.run(work).await;
    let quick = [
        ("SCALE", "worker=1-8"),
        ("HEROKU_MOST_DYNOS", "2"),
        ("SCALE_DELAY_SECONDS", "1"),
        ("SCALE_UP_SECONDS", "1"),
        ("SCALE_DOWN_SECONDS", "1"),
        ("SCALE_CALM_SECONDS", "1"),
    ];
    let _controller = cloud.controller(&url, &quick).await;
    let refused = "SELECT count(*) > 0 FROM sides.actions WHERE action = 'scale refused'
        AND measured ->> 'rule' = 'range' AND reason LIKE '%2 is the maximum'";
    scene.questions.until(refused).await;
    scene.until_dynos(2).await;
    scene.questions.run("DELETE FROM sides.fang_tasks WHERE kind = 'nap'").await;
    let down = "SELECT count(*) > 0 FROM sides.actions WHERE action = 'scale'
        AND measured ->> 'to' = '1' AND outcome LIKE 'done in %'";
    scene.questions.until(down).await;
    let path = "PATCH /apps/acme-worker/formation";
    assert_eq!(cloud.orders()[before..], [format!("{path} 2"), format!("{path} 1")]);
    let external = "SELECT count(*) FROM sides.actions WHERE action = 'found scaled'";
    assert_eq!(scene.questions.number(external).await, 0, "nobody else set it");
}

#[tokio::test(flavor = "multi_thread")]
async fn web_is_not_scaled_inside_the_window_of_preboot_nor_asked_for_again_and_again() {
    let (mut scene, cloud) = (Scene::new().await, Cloud::new());
    let url = scene.database.url().clone();
    let python = testing::folder_of("python3", install::Need::Python);
    let serve = format!("exec {}/python3 -m http.server --bind 127.0.0.1 \"$PORT\"", python.display());
    cloud.runs("web", 1, &serve).await;
    cloud.simulator.enable("acme-web", "preboot");
    let before = cloud.orders().len();
    let _controller = cloud.controller(&url, &[("SCALE", "web=2-3"), ("SCALE_UP_SECONDS", "0")]).await;
    let refused = "SELECT count(*) > 0 FROM sides.actions WHERE action = 'scale refused'
        AND measured ->> 'rule' = 'window' AND reason LIKE '%would stop the dynos that serve'";
    scene.questions.until(refused).await;
    scene.goes_on("heartbeat").await;
    assert_eq!(cloud.orders().len(), before);
    let tries =
        "SELECT count(*) FROM sides.actions WHERE action = 'scale' AND outcome LIKE 'not done: %again in %'";
    assert_eq!(scene.questions.number(tries).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_could_not_do_it_does_not_start() {
    let scene = Scene::new().await;
    let url = scene.database.url().expose();
    let apps = ("HEROKU_APPS", "worker=acme-worker");
    for (variables, said) in [
        (&[apps][..], "HEROKU_API_KEY is not set, and HEROKU_APPS names worker"),
        (&[("HEROKU_APPS", "worker"), ("HEROKU_API_KEY", "HRKU-4711")], "names no app"),
        (&[apps, ("HEROKU_API_KEY", "HRKU 4711")], "HEROKU_API_KEY is not a key"),
    ] {
        let mut command = Command::new(testing::example("controller"));
        command.env_remove("HEROKU_API_KEY").env("DATABASE_URL", &url).envs(variables.iter().copied());
        let mut controller = Program::start(command.env("OPS_PORT", "0"));
        assert_eq!(controller.ended().await.code(), Some(78));
        controller.says(said).await;
        assert!(!controller.output().contains("4711"), "{}", controller.output());
    }
}
