//! What is down is started afresh through its place, once, and not for ever.

use database::DatabaseUrl;
use platform::local::control::{Done, Failure};
use testing::{Program, wait_until};

use crate::{
    fixture::{PATIENCE, Scene},
    host::Host,
    watching::{controller, idler},
};

/// Alive, with a dead loop.
async fn broken(url: &DatabaseUrl) -> Program {
    idler(url, "web", &[("IDLER_LOOP_FAILS", "true"), ("DRAIN_SECONDS", "600")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_process_with_a_dead_loop_is_restarted_once_however_many_controllers_see_it() {
    let mut scene = Scene::new().await;
    let url = scene.database.url().clone();
    let host = Host::that(Ok(Done::Done));
    let web = broken(&url).await;
    host.runs("web", 7, &web).await;
    let _controllers =
        (controller(&url, &[host.variable()]).await, controller(&url, &[host.variable()]).await);
    scene.until_found("web", "restart").await;
    let said = scene.actions("web").await;
    assert!(said.iter().any(|one| one.starts_with("restart; done in ")), "{said:?}");
    // Some rounds of both controllers.
    scene.goes_on("heartbeat").await;
    let orders = host.orders();
    assert_eq!(orders.len(), 1, "the other controller sees that it was done: {orders:?}");
    assert!(orders[0].starts_with("restart web.7; controller "), "{orders:?}");
    assert!(orders[0].contains("503") && orders[0].contains("loop dream: the dog barks"), "{orders:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_is_written_down_and_nothing_is_done_while_a_release_goes_on() {
    let mut scene = Scene::new().await;
    let url = scene.database.url().clone();
    let host = Host::that(Err(Failure::Refused("the new web was not ready".to_owned())));
    let web = broken(&url).await;
    host.runs("web", 7, &web).await;
    scene.questions.run(&format!("SELECT pg_advisory_lock({})", i64::from_be_bytes(*b"sidesrel"))).await;
    let _controller = controller(&url, &[host.variable(), ("RESTARTS_PER_HOUR", "1")]).await;
    scene.until_found("web", "found down").await;
    scene.goes_on("heartbeat").await;
    assert_eq!(host.orders(), Vec::<String>::new(), "a release is in progress");
    scene.questions.run("SELECT pg_advisory_unlock_all()").await;
    wait_until("it is restarted", PATIENCE, async || host.orders().len() == 1).await;
    scene.until_found("web", "restart refused").await;
    let said = scene.actions("web").await;
    let expected = "restart; not done: the host refused: the new web was not ready";
    assert!(said.contains(&expected.to_owned()), "{said:?}");
    assert_eq!(host.orders().len(), 1);
}
