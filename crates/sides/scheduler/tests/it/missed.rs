//! A scheduler that starts after a day without one obeys each policy.

use crate::fixture::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_day_nothing_floods() {
    let mut scene = Scene::new().await;
    // None of them falls due within minutes of now: what was due just before a scheduler came is not late yet.
    let far = scene.questions.number("SELECT (extract(minute FROM now())::int + 5) % 10").await;
    let every_ten_minutes = format!("{far}-59/10 * * * *");
    for (name, expression, missed) in [
        ("skip", every_ten_minutes.as_str(), "skip"),
        ("latest", &every_ten_minutes, "latest"),
        ("latest_every", "every 1 s", "latest"),
        ("hour", &every_ten_minutes, "all within 1 h"),
        ("flood", "every 1 s jitter 1 s", "all within 24 h"),
    ] {
        scene.questions.store(name, expression, missed).await;
    }
    scene.questions.run("UPDATE sides.stored_schedules SET since = now() - interval '1 day'").await;
    let _scheduler = scene.scheduler().await;
    scene.goes_on("flood").await;
    scene.goes_on("latest_every").await;
    // Only what was due before the scheduler came, and too late to be in time.
    let late = "SELECT jsonb_object_agg(name, (
            SELECT count(*) FROM sides.ticks
            WHERE schedule = name AND due_at < (SELECT min(started_at) FROM sides.instances) - interval '6 s'))
        FROM sides.stored_schedules WHERE name <> 'latest_every'";
    let late = scene.questions.text(late).await;
    for expected in ["\"skip\": 0", "\"latest\": 1", "\"hour\": 6"] {
        assert!(late.contains(expected), "{late}");
    }
    let most = "SELECT count(*) BETWEEN 900 AND 1100 FROM sides.ticks WHERE schedule = 'flood'";
    assert_eq!(scene.questions.text(most).await, "true", "{late}");
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_ticks_have_one_job_while_it_waits() {
    let mut scene = Scene::new().await;
    let _scheduler = scene.scheduler().await;
    scene.questions.store("a", "every 50 ms", "skip").await;
    scene.questions.run("UPDATE sides.stored_schedules SET overlap = 'merge'").await;
    scene.heard("b").await;
    scene.questions.run("DELETE FROM sides.fang_tasks; DELETE FROM sides.ticks WHERE schedule = 'a'").await;
    scene.goes_on("a").await;
    let jobs = "SELECT count(*) FROM sides.fang_tasks WHERE unique_key = 'schedule:a'";
    assert_eq!(scene.questions.number(jobs).await, 1);
    // A tick that was being fired while the job went may still name that one.
    let of_ticks = "SELECT count(DISTINCT job_id) FROM sides.ticks WHERE schedule = 'a'
        AND due_at > (SELECT created_at FROM sides.fang_tasks WHERE unique_key = 'schedule:a')";
    assert_eq!(scene.questions.number(of_ticks).await, 1);
}
