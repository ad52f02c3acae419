//! Postgres goes away under load and comes back.

use database::DatabaseUrl;
use nix::sys::signal::Signal;
use testing::wait_until;

use crate::{
    rows,
    sandbox::{PATIENCE, Sandbox, signal},
    site::Site,
};

const SERVICES: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn an_immediate_restart_under_load_costs_nobody_a_restart_and_no_job() {
    let sandbox = Sandbox::new();
    let mut dev = sandbox.dev();
    dev.ready().await;
    let socket = sandbox.file(".sides/postgres/socket").display().to_string().replace('/', "%2F");
    let user = database_user(&dev.said());
    let url: DatabaseUrl = format!("postgres://{user}@{socket}/sides").parse().unwrap();
    let site = Site::open().await;
    for number in 0..SERVICES {
        rows::add_service(&url, &format!("site {number}"), &site.url()).await;
    }
    let pinged = async |since: &str| {
        let from =
            format!("(SELECT DISTINCT service_id FROM pings WHERE ok AND due_at > '{since}') AS pinged");
        rows::count(&url, &from).await >= i64::try_from(SERVICES).unwrap()
    };
    wait_until("all are pinged", PATIENCE, async || pinged("-infinity").await).await;

    // What `pg_ctl restart -m immediate` sends: no shutdown, the next start recovers from the log.
    let pid_file = std::fs::read_to_string(sandbox.file(".sides/postgres/data/postmaster.pid")).unwrap();
    signal(pid_file.lines().next().unwrap().parse().unwrap(), Signal::SIGQUIT);
    dev.says("Postgres answers again").await;
    sandbox.wait_until_green().await;

    let now = rows::word(&url, "SELECT now()::text AS word").await.unwrap();
    wait_until("all are pinged again", PATIENCE, async || pinged(&now).await).await;
    let status = sandbox.status();
    let restarts =
        status["processes"].as_array().unwrap().iter().map(|one| one["restarts"].as_u64().unwrap());
    assert_eq!(restarts.sum::<u64>(), 0, "they recover by themselves: {status}");
    // Each due moment is pinged once: what was accepted before the restart is there after it.
    let stuck = "sides.fang_tasks WHERE scheduled_at < now() - interval '20 seconds'";
    wait_until("no job is stuck", PATIENCE, async || rows::count(&url, stuck).await == 0).await;
    dev.interrupt();
    assert_eq!(dev.ended().await.code(), Some(0));
    assert_eq!(sandbox.residents(), []);
}

/// Whom the private cluster calls its own, as the processes print it.
fn database_user(said: &str) -> String {
    let (_, after) = said.split_once("database=postgres://").expect("a process says its database");
    after.split_once('@').unwrap().0.to_owned()
}
