//! Whatever way a database has come, by releases, by phases, killed on the way: its catalogue ends as that of a fresh
//! one. On random migrations and random ways.
//!
//! `HISTORIES=50 HISTORY_SEED=7` tries more of them; a failure names the seed that brings it back.

mod sequence;

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sides_migrate::{MigrateError, Migration, Options, class::Phase, shadow::catalogue};
use testing::TestDatabase;
use tokio::task::JoinSet;

use crate::lane::{ask, client, hasty};

/// How many are tried at once.
const AT_ONCE: usize = 2;

fn variable(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_ends_in_the_catalogue_of_a_fresh_database() {
    let first = variable("HISTORY_SEED", rand::random_range(0..1_000_000));
    let seeds: Vec<u64> = (first..first + variable("HISTORIES", 4)).collect();
    println!("seeds {seeds:?}");
    for some in seeds.chunks(AT_ONCE) {
        let mut tried = JoinSet::new();
        some.iter().for_each(|&seed| drop(tried.spawn(compare(seed))));
        tried.join_all().await;
    }
}

async fn compare(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let all = sequence::sequence(&mut random, 12);
    let fresh = TestDatabase::empty().await;
    sides_migrate::apply(fresh.url(), &all, &hasty(), &mut |_| {})
        .await
        .unwrap_or_else(|error| panic!("HISTORY_SEED={seed}: {error}\n{}", texts(&all)));
    let live = TestDatabase::empty().await;
    let mut way = Vec::new();
    let releases = random.random_range(1..=3);
    for release in 1..=releases {
        let known = &all[..all.len() * release / releases];
        for _ in 0..random.random_range(1..=3) {
            let action = Action::random(&mut random, known);
            way.push(format!("{} known, {action:?}", known.len()));
            if let Err(error) = action.take(&live, known).await {
                panic!("HISTORY_SEED={seed}: {error}\n{way:#?}\n{}", texts(&all));
            }
        }
    }
    // What was asked for alone may have come ahead of others that it has nothing in common with.
    let last = Options { out_of_order: true, ..hasty() };
    let done = sides_migrate::apply(live.url(), &all, &last, &mut |_| {}).await;
    done.unwrap_or_else(|error| {
        panic!("HISTORY_SEED={seed}, at the end: {error}\n{way:#?}\n{}", texts(&all))
    });
    let (fresh_client, live_client) = (client(&fresh).await, client(&live).await);
    let (expected, found) = (catalogue(&fresh_client).await.unwrap(), catalogue(&live_client).await.unwrap());
    let difference = expected.difference(&found);
    assert!(
        difference.is_empty() && expected.hash() == found.hash(),
        "HISTORY_SEED={seed}: {difference:#?}\n{way:#?}\n{}",
        texts(&all)
    );
    let applied = "SELECT string_agg(version, ' ' ORDER BY version) FROM __diesel_schema_migrations";
    assert_eq!(ask(&fresh_client, applied).await, ask(&live_client, applied).await, "HISTORY_SEED={seed}");
}

fn texts(all: &[Migration]) -> String {
    all.iter().map(|one| format!("{}: {}\n", one.name(), one.up())).collect()
}

/// One thing that somebody does with a database.
#[derive(Debug)]
enum Action {
    Up,
    Phase(Phase),
    Only(Vec<String>),
    /// A backfill, and beside it another release's additions.
    Beside,
    /// Another one, whose session is ended after so many milliseconds.
    Killed(Box<Action>, u64),
}

impl Action {
    fn random(random: &mut StdRng, known: &[Migration]) -> Self {
        match random.random_range(0..10) {
            0 => Self::Up,
            1 | 2 => Self::Phase(Phase::Expand),
            3 => Self::Phase(Phase::Backfill),
            4 => Self::Phase(Phase::Contract),
            5 => Self::Beside,
            6 => {
                let some = known.iter().filter(|_| random.random_bool(0.4));
                Self::Only(some.map(|one| one.name().to_owned()).collect())
            }
            _ => {
                let delay = random.random_range(0..250);
                Self::Killed(Box::new(Self::random(random, known)), delay)
            }
        }
    }

    async fn take(&self, database: &TestDatabase, known: &[Migration]) -> Result<(), MigrateError> {
        let run = async |options: Options| {
            let options = Options { tries: 1000, ..options };
            sides_migrate::apply(database.url(), known, &options, &mut |_| {}).await
        };
        let of = |phase| Options { phase: Some(phase), ..hasty() };
        let done = match self {
            Self::Up => run(hasty()).await.map(drop),
            Self::Phase(phase) => run(of(*phase)).await.map(drop),
            Self::Only(names) if names.is_empty() => Ok(()),
            Self::Only(names) => run(Options { only: names.clone(), ..hasty() }).await.map(drop),
            Self::Beside => {
                let (one, other) = tokio::join!(run(of(Phase::Backfill)), run(of(Phase::Expand)));
                one.and(other).map(drop)
            }
            Self::Killed(action, delay) => {
                let kill = async {
                    tokio::time::sleep(Duration::from_millis(*delay)).await;
                    let sessions = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                                    WHERE datname = current_database() AND application_name LIKE 'migrate%'";
                    ask(&client(database).await, sessions).await;
                };
                let (done, ()) = tokio::join!(Box::pin(action.take(database, known)), kill);
                // Whatever it was doing, it said that it was ended.
                return match done {
                    Err(error) if error.is_connection_lost() => Ok(()),
                    done => done,
                };
            }
        };
        match done {
            // Something that was asked for alone stands before others now, which the plain `up` refuses to pass over.
            Err(MigrateError::Refused(_)) => Ok(()),
            done => done,
        }
    }
}
