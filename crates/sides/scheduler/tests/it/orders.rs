//! What people ask for while schedulers run.

use crate::fixture::Scene;

const OF_A: &str = "SELECT count(*) FROM sides.ticks WHERE schedule = 'a'";

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_schedule_fires_until_it_is_removed() {
    let mut scene = Scene::new().await;
    let _schedulers = (scene.scheduler().await, scene.scheduler().await);
    scene.questions.store("a", "every 100 ms", "latest").await;
    scene.questions.until(&format!("SELECT ({OF_A}) > 5")).await;
    let job = "SELECT string_agg(DISTINCT kind || ' ' || (metadata ->> 'for') || ' ' || enqueued_by, ', ')
        FROM sides.fang_tasks WHERE kind = 'work'";
    assert_eq!(scene.questions.text(job).await, "work a scheduler dev");
    scene.questions.run("UPDATE sides.stored_schedules SET version = 2 WHERE name = 'a'").await;
    scene.questions.until("SELECT max(version) = 2 FROM sides.fang_tasks WHERE kind = 'work'").await;
    scene.questions.until("SELECT count(*) = 1 FROM sides.schedules WHERE name = 'a'").await;
    scene.questions.run("DELETE FROM sides.stored_schedules WHERE name = 'a'").await;
    scene.questions.until("SELECT count(*) = 0 FROM sides.schedules WHERE name = 'a'").await;
    scene.heard("b").await;
    let fired = scene.questions.number(OF_A).await;
    scene.goes_on("b").await;
    assert_eq!(scene.questions.number(OF_A).await, fired);
    let unequal =
        "SELECT count(*) FROM sides.ticks AS tick LEFT JOIN sides.fang_tasks AS job ON job.id = job_id
        WHERE schedule IN ('a', 'b') AND job.metadata ->> 'for' IS DISTINCT FROM schedule";
    assert_eq!(scene.questions.number(unequal).await, 0, "each tick has the job of its schedule");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_expression_is_taken_up_and_owes_nothing() {
    let mut scene = Scene::new().await;
    let _scheduler = scene.scheduler().await;
    scene.questions.store("a", "@yearly", "all within 24 h").await;
    scene.heard("b").await;
    let change =
        "UPDATE sides.stored_schedules SET expression = 'every 50 ms', since = now() WHERE name = 'a'";
    scene.questions.run(change).await;
    scene.questions.until(&format!("SELECT ({OF_A}) > 3")).await;
    let early = "SELECT count(*) FROM sides.ticks JOIN sides.stored_schedules ON name = schedule
        WHERE schedule = 'a' AND due_at <= since";
    assert_eq!(scene.questions.number(early).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_stops_the_code_too_and_a_run_is_asked_for_by_hand() {
    let mut scene = Scene::new().await;
    let scheduler = scene.scheduler().await;
    scene.questions.store("a", "every 50 ms", "all within 1 h").await;
    scene.questions.until(&format!("SELECT ({OF_A}) > 3")).await;
    let pause = "INSERT INTO sides.schedule_pauses (schedule, paused_by)
        VALUES ('a', 'ann'), ('heartbeat', 'ann')";
    scene.questions.run(pause).await;
    scene.heard("b").await;
    let both = "SELECT count(*) FROM sides.ticks WHERE schedule IN ('a', 'heartbeat')";
    let fired = scene.questions.number(both).await;
    scene.goes_on("b").await;
    assert_eq!(scene.questions.number(both).await, fired);

    let run = "INSERT INTO sides.schedule_runs (schedule, asked_by) VALUES ('a', 'ben'), ('nobody', 'ben')";
    scene.questions.run(run).await;
    scene.questions.until(&format!("SELECT ({both}) = {}", fired + 1)).await;
    let by = "SELECT asked_by || ' ' || enqueued_by FROM sides.ticks JOIN sides.fang_tasks ON id = job_id
        WHERE schedule = 'a' AND asked_by IS NOT NULL";
    assert_eq!(scene.questions.text(by).await, "ben scheduler dev for ben");
    let left = "SELECT string_agg(schedule, ',') FROM sides.schedule_runs";
    assert_eq!(scene.questions.text(left).await, "nobody", "what no scheduler knows stays");

    // Also by a scheduler that was not there.
    drop(scheduler);
    scene.questions.run("UPDATE sides.schedule_pauses SET resumed_at = now(), resumed_by = 'ann'").await;
    let _scheduler = scene.scheduler().await;
    scene.goes_on("a").await;
    let within = "SELECT count(*) FROM sides.ticks AS tick JOIN sides.schedule_pauses USING (schedule)
        WHERE asked_by IS NULL AND due_at > paused_at + interval '2 s' AND due_at <= resumed_at";
    assert_eq!(scene.questions.number(within).await, 0, "a pause is not made up for");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_wrong_harms_no_other() {
    let mut scene = Scene::new().await;
    let scheduler = scene.scheduler().await;
    scene.questions.store("wrong", "at noon", "skip").await;
    scene.questions.store("heavy", "every 50 ms", "skip").await;
    let heavy = "UPDATE sides.stored_schedules
        SET arguments = jsonb_build_object('body', repeat('x', 2 << 20)) WHERE name = 'heavy'";
    scene.questions.run(heavy).await;
    scene.heard("b").await;
    scene.goes_on("b").await;
    scheduler.says("the stored schedule wrong cannot be kept: \\\"at noon\\\" is not a schedule").await;
    scheduler.says("a tick is lost: the queue refuses the job").await;
    let lost = "SELECT count(*) FROM sides.ticks WHERE schedule = 'heavy' AND job_id IS NULL";
    assert_eq!(scene.questions.number(lost).await, 0, "no tick without its job");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_fires_while_the_application_is_gone() {
    let mut scene = Scene::new().await;
    let scheduler = scene.scheduler().await;
    scene.questions.run("DROP SCHEMA public CASCADE").await;
    scene.goes_on("heartbeat").await;
    scheduler.answers("/readyz", 200, "ready").await;
}
