//! What the test writes down itself: the workers' diaries, the database's absences, and who changed which row.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use database::{Connection, DatabaseUrl};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text},
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};

use super::check::{Blow, Change, Run, Time, What};

/// What keeps a worker, or the way to the database, away for longer than this is written down.
const GAP: Time = 150_000;

/// Now, as the diaries and Postgres have it too.
pub(super) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    Time::try_from(since.as_micros()).expect("and not that late")
}

/// The runs in a worker's diary, and when the machine held the worker up.
pub(super) fn read(diary: &Path, worker: usize) -> (Vec<Run>, Vec<Blow>) {
    let text = fs::read_to_string(diary).unwrap_or_default();
    let (mut runs, mut blows, mut alive) = (Vec::<Run>::new(), Vec::new(), None);
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let at: Time = words[0].parse().expect("a line begins with its time");
        match words[1..] {
            ["alive"] => {
                if let Some(before) = alive.replace(at).filter(|before| at - before > GAP) {
                    blows.push(Blow::Hindered(before, at));
                }
            }
            ["start", number, job] => {
                let number = number.parse().expect("a number");
                runs.push(Run { worker, number, job: job.to_owned(), start: at, end: None });
            }
            ["end", number, job] => {
                let open = runs.iter_mut().rev().find(|run| run.job == job && run.end.is_none());
                open.unwrap_or_else(|| panic!("job {number} ended without a start")).end = Some(at);
            }
            _ => panic!("{diary:?}: {line:?}"),
        }
    }
    (runs, blows)
}

/// Commits something all the time over a worker's own cable, and notes when that did not work for a while.
pub(super) struct Probe {
    absences: Arc<Mutex<Vec<(Time, Time)>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Probe {
    pub(super) fn start(url: DatabaseUrl) -> Self {
        let absences: Arc<Mutex<Vec<_>>> = Arc::default();
        let noted = Arc::clone(&absences);
        let task = tokio::spawn(async move {
            let mut connection: Option<Connection> = None;
            let mut last = now();
            loop {
                // An id of a transaction has to reach the disk.
                let commit = async {
                    let mut c = match connection.take() {
                        Some(c) => c,
                        None => database::connect(&url).await.ok()?,
                    };
                    c.batch_execute("SELECT pg_current_xact_id()").await.ok()?;
                    Some(c)
                };
                connection = tokio::time::timeout(Duration::from_secs(1), commit).await.unwrap_or(None);
                if connection.is_some() {
                    let at = now();
                    if at - last > GAP {
                        noted.lock().unwrap().push((last, at));
                    }
                    last = at;
                }
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        });
        Self { absences, task }
    }

    /// Nobody goes that way any more.
    pub(super) fn end(&self) {
        self.task.abort();
    }

    /// When the database was unavailable.
    pub(super) fn absences(&self) -> Vec<Blow> {
        self.absences.lock().unwrap().iter().map(|(from, to)| Blow::Hindered(*from, *to)).collect()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.end();
    }
}

/// Writes down, in the same transaction, what becomes of every row that a worker holds.
pub(super) const TRIGGER: &str = "\
CREATE TABLE chaos_changes (id bigserial PRIMARY KEY, at bigint, session text, job text, owner text, what text);
CREATE FUNCTION note_chaos() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    what text := CASE
        WHEN TG_OP = 'DELETE' AND OLD.state = 'in_progress' THEN 'over'
        WHEN TG_OP = 'DELETE' THEN NULL
        WHEN NEW.state = 'in_progress' AND NEW.lease <> OLD.lease THEN 'claimed'
        WHEN OLD.state = 'in_progress' AND NEW.crashes > OLD.crashes THEN 'rescued'
        WHEN OLD.state = 'in_progress' AND NEW.state <> 'in_progress' THEN 'returned'
    END;
BEGIN
    INSERT INTO public.chaos_changes (at, session, job, owner, what)
    SELECT extract(epoch FROM clock_timestamp()) * 1000000, current_setting('application_name'), OLD.id,
        CASE WHEN what = 'claimed' THEN NEW.owner ELSE OLD.owner END, what
    WHERE what IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER note_chaos AFTER UPDATE OR DELETE ON sides.fang_tasks FOR EACH ROW EXECUTE FUNCTION note_chaos();";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Text)]
    session: String,
    #[diesel(sql_type = Text)]
    job: String,
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Text)]
    what: String,
}

/// The name of a worker's sessions.
pub(super) fn session(worker: usize) -> String {
    format!("chaos-{worker}")
}

/// What the trigger wrote down. Those of one job are in the order in which they happened, as its row was locked.
pub(super) async fn changes(c: &mut Connection) -> Vec<Change> {
    let query = "SELECT at, session, job, owner, what FROM chaos_changes ORDER BY id";
    let rows: Vec<Row> = diesel::sql_query(query).load(c).await.expect("the changes can be read");
    let what = HashMap::from([
        ("claimed", What::Claimed),
        ("returned", What::Returned),
        ("over", What::Over),
        ("rescued", What::Rescued),
    ]);
    let read = |row: Row| Change {
        at: row.at,
        worker: row.session.strip_prefix("chaos-").and_then(|worker| worker.parse().ok()),
        job: row.job,
        owner: row.owner,
        what: what[row.what.as_str()],
    };
    rows.into_iter().map(read).collect()
}
