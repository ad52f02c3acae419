//! One row costs one row, in the rounds of the controller.

use platform::local::control::Done;
use testing::fill_with_odd_rows;

use crate::{
    fixture::Scene,
    host::Host,
    watching::{controller, idler},
};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_tables_hold_requests_are_answered_and_the_dead_are_found() {
    let mut scene = Scene::new().await;
    let url = scene.database.url().clone();
    fill_with_odd_rows(&mut scene.questions.0, "note", "heartbeat").await;
    // Some that say that they work jobs, of names that no place and no schedule knows.
    scene
        .questions
        .run(
            "SET session_replication_role = replica;
             UPDATE sides.instances SET manifest = '{\"works\": true}' WHERE process <> 'odd';
             INSERT INTO sides.instances (id, process, release, host, pid, ops_address, state, manifest)
             SELECT gen_random_uuid(), string_agg(md5(i::text), ''), 'r', 'another', 1, '127.0.0.1:1', 'ready',
                 '{\"works\": true}' FROM generate_series(1, 300) AS i;
             UPDATE sides.instances SET heartbeat_at = now() - interval '1 minute' WHERE host = 'another';
             INSERT INTO sides.actions (at, subject, action, asked_by, reason, measured, outcome)
             SELECT at, 'worker', 'restart', asked_by, reason, measured, outcome FROM sides.actions WHERE id > 9999999;
             SET session_replication_role = origin",
        )
        .await;
    let host = Host::that(Ok(Done::Done));
    let worker = idler(&url, "worker", &[]).await;
    host.runs("worker", 1, &worker).await;
    let variables =
        [host.variable(), ("RECONCILE_SECONDS", "1"), ("SCALE", "worker=1-4"), ("RECYCLE_JOBS", "10")];
    let controller = controller(&url, &variables).await;
    scene.questions.run("INSERT INTO sides.scale_requests (process, reason) VALUES ('mail', 'much')").await;
    scene
        .questions
        .until(
            "SELECT count(*) = 1 FROM sides.actions WHERE subject = 'mail' AND action = 'scale refused'
                AND reason LIKE '%much; but mail is not scaled%'",
        )
        .await;
    scene.questions.until("SELECT count(*) = 0 FROM sides.scale_requests WHERE decided_at IS NULL AND at > now() - interval '5 minutes'").await;
    scene
        .questions
        .until("SELECT count(*) = 1 FROM sides.actions WHERE action = 'found down' AND length(subject) = 237")
        .await;
    drop(worker);
    scene.until_found("worker ", "found down").await;
    scene.goes_on("heartbeat").await;
    controller.answers("/livez", 200, "").await;
    controller.answers("/readyz", 200, "ready").await;
    assert!(!controller.output().contains("nothing is recycled or scaled"), "{}", controller.output());
}
