//! Workers that are not ours: `psql`, by the functions that any language can call.

use std::{fs, path::Path};

use nix::sys::signal::Signal;
use sides_queue::{Registry, Scope, enqueue};

use crate::{
    fixture::{Note, Notes, config, count, execute, note, start, text, wait_for_count, wait_until},
    stranger::Stranger,
};

const DONE: &str = "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'";
const RUNS: &str = "SELECT count(*) FROM sides.fang_tasks WHERE state = 'in_progress'";

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_in_bash_works_beside_a_rust_one() {
    let stranger = Stranger::new().await;
    let mut c = stranger.database.connect().await;
    let notes = Notes::default();
    let rust = start(&stranger.database, Registry::new(notes.clone()).handle::<Note, _>(note), config());
    let mut bash = stranger.worker("echo \"$1\" >> did; case $1 in *9*) echo 'no nines' >&2; exit 1;; esac");
    for person in [7, 8] {
        stranger.ask(&format!("SELECT sides.enqueue('send_report', '{{\"person_id\": {person}}}')"));
    }
    stranger.ask("SELECT sides.enqueue('note', '{\"number\": 1}')");
    enqueue(&mut c, &Note { number: 2 }).await.unwrap();
    wait_for_count(&mut c, DONE, 4).await;
    stranger.ask("SELECT sides.enqueue('send_report', '{\"person_id\": 9}')");
    wait_for_count(&mut c, "SELECT count(*) FROM sides.job_attempts WHERE outcome = 'retried'", 1).await;
    let said = "SELECT error || ' ' || release || ' ' || attempt FROM sides.job_attempts";
    assert_eq!(text(&mut c, said).await, "no nines reports@1 1");
    assert_eq!(notes.sorted(), [1, 2]);
    let did = ["{\"person_id\": 7}", "{\"person_id\": 8}", "{\"person_id\": 9}"];
    assert_eq!(lines(&stranger.file("did")), did);
    bash.signal(Signal::SIGTERM);
    assert_eq!(bash.ended().await.code(), Some(0), "{}", bash.output());
    rust.stop().await;
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.runners").await, 0);
    let who = "SELECT string_agg(DISTINCT kind || ' ' || release || ' ' || coalesce(enqueued_by, ''), ', ') \
        FROM sides.job_history WHERE kind = 'send_report'";
    assert_eq!(text(&mut c, who).await, "send_report reports@1 reports@1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_of_a_killed_worker_is_rescued_and_its_late_word_changes_nothing() {
    let stranger = Stranger::new().await;
    let mut c = stranger.database.connect().await;
    let job = stranger.ask("SELECT sides.enqueue('send_report', '{}')");
    let slow = "echo start >> did; until [ -e go ]; do sleep 0.05; done";
    let mut first = stranger.worker(slow);
    wait_for_count(&mut c, RUNS, 1).await;
    wait_until("its work has begun", || lines(&stranger.file("did")).len() == 1).await;
    let owner = "SELECT owner::text FROM sides.fang_tasks";
    let dead = text(&mut c, owner).await;
    first.signal(Signal::SIGKILL);
    first.ended().await;
    // What half a minute of silence would do.
    execute(&mut c, "UPDATE sides.runners SET lease_until = now()").await;
    let mut second = stranger.worker(slow);
    wait_for_count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE lease = 2", 1).await;
    let living = text(&mut c, owner).await;
    let before = text(&mut c, "SELECT to_jsonb(task)::text FROM sides.fang_tasks AS task").await;
    for (worker, lease) in [(&dead, 1), (&dead, 2), (&living, 1)] {
        for word in [
            format!("complete('{worker}', '{job}', {lease})"),
            format!("fail('{worker}', '{job}', {lease}, 'too late')"),
            format!("fail('{worker}', '{job}', {lease}, 'too late', max_attempts => 1)"),
            format!("discard('{worker}', '{job}', {lease}, 'too late')"),
            format!("snooze('{worker}', '{job}', {lease}, '1 hour')"),
            format!("give_back('{worker}', '{job}', {lease})"),
            format!("park('{worker}', '{job}', {lease}, 'too late')"),
        ] {
            assert_eq!(stranger.ask(&format!("SELECT sides.{word}")), "f", "{word}");
        }
    }
    assert_eq!(stranger.ask(&format!("SELECT count(*) FROM sides.extend('{dead}')")), "0");
    assert_eq!(stranger.ask(&format!("SELECT sides.leave('{dead}')")), "0");
    let after = text(&mut c, "SELECT to_jsonb(task)::text FROM sides.fang_tasks AS task").await;
    assert_eq!(before, after);
    fs::write(stranger.file("go"), "").unwrap();
    wait_for_count(&mut c, DONE, 1).await;
    second.signal(Signal::SIGTERM);
    second.ended().await;
    assert_eq!(lines(&stranger.file("did")), ["start", "start"]);
    let outcomes = "SELECT string_agg(outcome || ' ' || attempt, ', ' ORDER BY at) FROM ( \
        SELECT outcome, attempt, ended_at AS at FROM sides.job_attempts \
        UNION ALL SELECT outcome, attempt, finished_at FROM sides.job_history) AS life";
    assert_eq!(text(&mut c, outcomes).await, "lost 1, finished 2");
}

const WORKERS: [&str; 2] = ["aaaaaaaa-0000-0000-0000-000000000000", "bbbbbbbb-0000-0000-0000-000000000000"];

/// Claims of many jobs, as `kind attempt` in order.
fn claim(stranger: &Stranger, worker: &str, wanted: u32) -> String {
    stranger.ask(&format!(
        "SELECT string_agg(kind || ' ' || attempt, ', ' ORDER BY place) \
         FROM sides.claim('{worker}', '{{a,b}}', {wanted}) WITH ORDINALITY \
            AS claimed (job, lease, kind, arguments, version, attempt, queue, trace, place)"
    ))
}

/// Says the same about all that a worker holds.
fn say(stranger: &Stranger, worker: &str, word: &str, more: &str) -> String {
    stranger.ask(&format!(
        "SELECT string_agg(sides.{word}('{worker}', job, lease{more})::text, ', ') FROM sides.extend('{worker}')"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_keep_to_the_same_rules() {
    let stranger = Stranger::new().await;
    let mut c = stranger.database.connect().await;
    let [first, second] = WORKERS;
    // Kinds, order, time.
    for (kind, more) in
        [("b", ", priority => 5"), ("a", ""), ("other", ""), ("a", ", run_at => now() + '1 day'")]
    {
        stranger.ask(&format!("SELECT sides.enqueue('{kind}'{more})"));
    }
    assert_eq!(claim(&stranger, first, 10), "a 1, b 1");
    assert_eq!(claim(&stranger, second, 10), "");
    assert_eq!(say(&stranger, first, "give_back", ""), "true, true");
    // A pause, of a kind or a queue.
    sides_queue::pause(&mut c, Scope::Kind("a")).await.unwrap();
    assert_eq!(claim(&stranger, first, 10), "b 1");
    assert_eq!(say(&stranger, first, "complete", ""), "true");
    sides_queue::pause(&mut c, Scope::Queue("default")).await.unwrap();
    sides_queue::resume(&mut c, Scope::Kind("a")).await.unwrap();
    assert_eq!(claim(&stranger, first, 10), "");
    sides_queue::resume(&mut c, Scope::Queue("default")).await.unwrap();
    // Limits over all workers.
    stranger.ask("SELECT sides.enqueue('b') FROM generate_series(1, 5)");
    let limits = sides_queue::Limits { running: Some(2), ..sides_queue::Limits::default() };
    sides_queue::limit(&mut c, Scope::Kind("b"), limits).await.unwrap();
    assert_eq!(claim(&stranger, first, 2), "b 1, b 1");
    assert_eq!(claim(&stranger, second, 10), "a 1");
    sides_queue::limit(&mut c, Scope::Kind("b"), sides_queue::Limits::default()).await.unwrap();
    assert_eq!(stranger.ask(&format!("SELECT sides.leave('{first}')")), "2");
    assert_eq!(stranger.ask(&format!("SELECT sides.leave('{second}')")), "1");
    let standing =
        "SELECT count(*) FROM sides.fang_tasks WHERE state = 'new' AND attempt = 0 AND owner IS NULL";
    assert_eq!(count(&mut c, standing).await, 8);

    // What two workers died with is taken one at a time, and the third death parks it.
    execute(&mut c, "DELETE FROM sides.fang_tasks").await;
    stranger.ask("SELECT sides.enqueue('a') FROM generate_series(1, 3)");
    execute(&mut c, "UPDATE sides.fang_tasks SET crashes = 2").await;
    assert_eq!(claim(&stranger, first, 10), "a 1");
    assert_eq!(claim(&stranger, first, 10), "");
    execute(&mut c, "UPDATE sides.runners SET lease_until = now() - interval '1 second'").await;
    assert_eq!(claim(&stranger, second, 10), "a 1");
    let standing = "SELECT string_agg(state || ' ' || crashes || coalesce(' ' || error_message, ''), ', ' ORDER BY state) \
        FROM sides.fang_tasks";
    assert_eq!(
        text(&mut c, standing).await,
        "new 2, in_progress 2, failed 3 three workers died while running this job"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_a_job_can_end_is_written_down() {
    let stranger = Stranger::new().await;
    let mut c = stranger.database.connect().await;
    let [worker, _] = WORKERS;
    let standing = "SELECT state || ' ' || attempt || ' ' || retries || coalesce(' ' || error_message, '') \
        || CASE WHEN scheduled_at > now() THEN ' later' ELSE '' END || coalesce(' parked by ' || parked_by, '') \
        FROM sides.fang_tasks";
    for (word, more, expected) in [
        ("fail", ", 'no luck'", "retried 1 1 no luck later"),
        ("fail", ", 'no luck', '1 day'", "retried 1 1 no luck later"),
        ("fail", ", 'no luck', max_attempts => 1", "failed 1 1 no luck"),
        ("fail", ", NULL", "retried 1 1 no reason was given later"),
        ("snooze", ", '1 hour'", "new 0 0 later"),
        ("give_back", "", "new 0 0"),
        ("park", ", 'odd arguments'", "new 0 0 odd arguments parked by reports@1"),
    ] {
        execute(&mut c, "DELETE FROM sides.fang_tasks").await;
        stranger.ask("SELECT sides.enqueue('a')");
        assert_eq!(claim(&stranger, worker, 1), "a 1");
        assert_eq!(say(&stranger, worker, word, more), "true");
        assert_eq!(text(&mut c, standing).await, expected, "{word}{more}");
    }
    execute(&mut c, "DELETE FROM sides.fang_tasks").await;
    for (word, more, cancelled, expected) in [
        ("complete", "", false, "finished"),
        ("discard", ", 'odd'", false, "discarded odd"),
        ("fail", ", 'told to stop'", true, "cancelled no need"),
        ("discard", ", 'told to stop'", true, "cancelled no need"),
        ("complete", "", true, "finished"),
    ] {
        let job = stranger.ask("SELECT sides.enqueue('a', '[1]', tags => '{blue}', trace => '00-1')");
        assert_eq!(claim(&stranger, worker, 1), "a 1");
        if cancelled {
            let id = sides_queue::JobId(job.parse().unwrap());
            assert_eq!(
                sides_queue::cancel(&mut c, id, "no need").await.unwrap(),
                sides_queue::Cancelled::Told
            );
            let told = format!("SELECT cancelled FROM sides.extend('{worker}')");
            assert_eq!(stranger.ask(&told), "no need");
        }
        assert_eq!(say(&stranger, worker, word, more), "true");
        let over =
            format!("SELECT outcome || coalesce(' ' || error, '') FROM sides.job_history WHERE id = '{job}'");
        assert_eq!(text(&mut c, &over).await, expected);
        let life =
            sides_queue::life(&mut c, sides_queue::JobId(job.parse().unwrap())).await.unwrap().unwrap();
        assert_eq!(
            (life.attempts.len(), life.job.tags),
            (1, Some(database::Words(vec![Some("blue".to_owned())])))
        );
        assert_eq!(life.attempts[0].release.as_deref(), Some("reports@1"));
    }
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_worker_could_read_is_refused() {
    let stranger = Stranger::new().await;
    let mut c = stranger.database.connect().await;
    for (call, expected) in [
        ("enqueue('')", "1 to 200 characters"),
        ("enqueue(NULL)", "1 to 200 characters"),
        ("enqueue('a', NULL)", "are NULL"),
        ("enqueue('a', jsonb_build_object('x', repeat('x', 1048576)))", "at most 1048576 may be queued"),
        (
            "enqueue('a', ('{\"x\": ' || repeat('[', 101) || repeat(']', 101) || '}')::jsonb)",
            "deeper than 100",
        ),
        ("claim(NULL, '{a}')", "names its worker"),
        ("claim(gen_random_uuid(), '{}')", "at least one kind"),
        ("claim(gen_random_uuid(), ARRAY[NULL])", "at least one kind"),
        ("claim(gen_random_uuid(), '{a}', 0)", "1 to 10000 jobs"),
        ("claim(gen_random_uuid(), '{a}', 1, '0')", "a second to a day"),
        ("extend(gen_random_uuid(), '1 year')", "a second to a day"),
    ] {
        let said = stranger.refused(&format!("SELECT sides.{call}"));
        assert!(said.contains(expected), "{call}: {said}");
    }
    // As far as the Rust side goes, so far goes this.
    stranger
        .ask("SELECT sides.enqueue('a', ('{\"x\": ' || repeat('[', 100) || repeat(']', 100) || '}')::jsonb)");
    for arguments in ["{\"type\": \"mine\"}", "[1, 2]", "\"text\"", "7"] {
        stranger.ask(&format!("SELECT sides.enqueue('b', '{arguments}')"));
        let [worker, _] = WORKERS;
        let claimed = format!("SELECT arguments FROM sides.claim('{worker}', '{{b}}')");
        assert_eq!(stranger.ask(&claimed), arguments);
        say(&stranger, worker, "complete", "");
    }
    let keyed = "SELECT sides.enqueue('a', unique_key => 'nightly')";
    assert_eq!(stranger.ask(keyed), stranger.ask(keyed));
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_may_do_what_it_was_granted_and_nothing_else() {
    let stranger = Stranger::new().await;
    let mut c = stranger.database.connect().await;
    for table in ["fang_tasks", "runners", "job_history", "job_rules"] {
        let said = stranger.refused(&format!("SELECT FROM sides.{table}"));
        assert!(said.contains(&format!("permission denied for table {table}")), "{said}");
    }
    for function in
        ["end_job(NULL, NULL, 1, '', '')", "rescue_jobs()", "retry_jobs('{}')", "pause_jobs('kind', 'a')"]
    {
        let said = stranger.refused(&format!("SELECT sides.{function}"));
        assert!(said.contains("permission denied for function"), "{said}");
    }
    // What acts as somebody else looks nothing up where its caller says, and is not for everybody.
    let open = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'sides'::regnamespace AND prosecdef \
        AND (NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(proconfig, '{}')) \
            OR proname <> 'keep_history' AND has_function_privilege('public', oid, 'EXECUTE'))";
    assert_eq!(count(&mut c, open).await, 0);
    let closed = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'sides'::regnamespace AND prosecdef";
    assert!(count(&mut c, closed).await > 15);
}
