//! Random migrations from a grammar of what people write, each judged by `check` and then run for real beside live
//! readers and writers with prepared statements: none that is called safe makes one of them fail or wait.
//!
//! `RANDOM_MIGRATIONS=5000 RANDOM_SEED=7` tries more of them; a failure names the seed that brings it back.

mod grammar;
mod traffic;

use rand::{SeedableRng as _, rngs::StdRng};
use sides_migrate::{
    Migration, Options,
    check::{Checked, check_in},
    class::Phase,
    shadow::Place,
};
use testing::TestDatabase;
use tokio_postgres::Client;

use crate::lane::{ask, client};
use traffic::Traffic;

/// Migrations in one database.
const LANE: usize = 25;
/// Nobody may wait longer for a lock.
const LONGEST_MS: i64 = 250;

/// Tables with rows that others use all the time.
const BASE: &str = "
    CREATE SEQUENCE live_ids START 10000;
    CREATE TABLE parent (id int PRIMARY KEY, name text, size int DEFAULT 1);
    CREATE TABLE child (id int PRIMARY KEY, parent_id int, note varchar(60), amount numeric(10, 2), at timestamptz DEFAULT now());
    CREATE TABLE parts (id int NOT NULL, kind text, n int) PARTITION BY RANGE (id);
    CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (5000);
    CREATE TABLE parts_high PARTITION OF parts DEFAULT;
    CREATE VIEW seen AS SELECT id, name FROM parent;
    CREATE INDEX child_parent ON child (parent_id);
    CREATE TYPE mood AS ENUM ('calm', 'wild');
    CREATE FUNCTION plain() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE FUNCTION refusing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END';
    INSERT INTO parent SELECT n, 'n' || n FROM generate_series(1, 2000) AS n;
    INSERT INTO child SELECT n, n, 'note', n % 100 FROM generate_series(1, 2000) AS n;
    INSERT INTO parts SELECT n, 'k', n FROM generate_series(1, 2000) AS n;";

fn variable(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// What became of them.
#[derive(Debug, Default)]
struct Tally {
    tried: usize,
    safe: usize,
    refused: usize,
    contract: usize,
    inapplicable: usize,
    /// Refused, and yet nobody would have felt it, on tables as small as these.
    unfelt: usize,
    faults: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_called_safe_is_felt() {
    let wanted = usize::try_from(variable("RANDOM_MIGRATIONS", 60)).unwrap();
    let mut seed = variable("RANDOM_SEED", 7);
    let mut tally = Tally::default();
    while tally.tried < wanted && tally.faults.len() < 20 {
        lane(seed, &mut tally).await;
        seed += 1;
    }
    println!(
        "{} tried: {} safe, {} contract, {} refused ({} of them unfelt on small tables), {} not applicable",
        tally.tried, tally.safe, tally.contract, tally.refused, tally.unfelt, tally.inapplicable
    );
    assert!(tally.faults.is_empty(), "{} faults:\n{}", tally.faults.len(), tally.faults.join("\n"));
    assert!(tally.safe * 5 > tally.tried, "too few are called safe to say anything: {tally:?}");
}

async fn lane(seed: u64, tally: &mut Tally) {
    let mut random = StdRng::seed_from_u64(seed);
    let model = TestDatabase::empty().await;
    let model_client = client(&model).await;
    model_client.batch_execute(BASE).await.unwrap();
    let mut all = vec![Migration::new("000_base", BASE, "")];
    for text in grammar::migrations(&mut random, &model_client, LANE).await {
        all.push(Migration::new(format!("{:03}_m", all.len()), text, ""));
    }
    let live = TestDatabase::empty().await;
    let place = Place::find(live.url(), None).await.unwrap();
    // One that does not apply ends the lane: what is behind it may need it.
    let (mut verdicts, mut known) = (Vec::new(), all.len());
    while known > 1 {
        match check_in(&place, &all[..known], |one| one.version() != "000").await {
            Ok(found) => {
                verdicts = found;
                break;
            }
            Err(error) => {
                let text = error.to_string();
                let at = all.iter().position(|one| text.contains(&format!("migrations/{}/", one.name())));
                known = at.unwrap_or_else(|| panic!("RANDOM_SEED={seed}: {error}"));
                tally.inapplicable += 1;
            }
        }
    }
    run(seed, &live, &all[..known], &verdicts, tally).await;
}

async fn run(seed: u64, live: &TestDatabase, all: &[Migration], verdicts: &[Checked], tally: &mut Tally) {
    let eye = client(live).await;
    apply(live, &all[..1]).await.unwrap();
    let mut traffic = Traffic::start(live).await;
    for (place, checked) in verdicts.iter().enumerate() {
        let lane = &all[..place + 2];
        let text = all[place + 1].up();
        tally.tried += 1;
        let is_contract = !checked.is_refused() && checked.phase == Phase::Contract;
        if is_contract {
            // Nothing old runs any more.
            tally.contract += 1;
            traffic.stop().await;
        }
        let done = apply(live, lane).await;
        if let Err(why) = &done
            && (checked.is_refused() || is_contract)
        {
            // It met rows that the model has not.
            tally.refused += usize::from(checked.is_refused());
            println!("RANDOM_SEED={seed}: ends at {text}: {why}");
            break;
        }
        if is_contract {
            traffic = Traffic::start(live).await;
            continue;
        }
        traffic.go_round().await;
        let mut felt = traffic.faults();
        felt.extend(done.err());
        let waited = waited(&eye, &all[place + 1]).await;
        if waited > LONGEST_MS {
            felt.push(format!("others waited {waited} ms"));
        }
        if checked.is_refused() {
            tally.refused += 1;
            tally.unfelt += usize::from(felt.is_empty());
            traffic.stop().await;
            traffic = Traffic::start(live).await;
        } else {
            tally.safe += 1;
            if !felt.is_empty() {
                tally.faults.push(format!(
                    "RANDOM_SEED={seed}: `{text}` is called {} and not refused: {}",
                    checked.phase,
                    felt.join("; ")
                ));
                traffic.stop().await;
                traffic = Traffic::start(live).await;
            }
        }
    }
    traffic.stop().await;
}

async fn apply(live: &TestDatabase, lane: &[Migration]) -> Result<(), String> {
    let done = sides_migrate::apply(live.url(), lane, &Options::default(), &mut |_| {}).await;
    done.map(drop).map_err(|error| error.to_string())
}

async fn waited(eye: &Client, migration: &Migration) -> i64 {
    let question = format!(
        "SELECT coalesce(max(others_waited_ms), 0) FROM sides_migrate.steps WHERE version = '{}'",
        migration.version()
    );
    ask(eye, &question).await.parse().unwrap()
}
