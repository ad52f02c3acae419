//! Removes the databases of test runs that were killed.

use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use ::database::Connection;
use diesel::sql_types::Text;
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};

const PREFIX: &str = "sides_test_";
const OLD_SECONDS: u64 = 3600;

#[derive(diesel::QueryableByName)]
struct Unused {
    #[diesel(sql_type = Text)]
    name: String,
}

/// A name that tells whose it is and since when: `sides_test_<unix seconds>_<pid>_<number>`.
pub(crate) fn new_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{PREFIX}{}_{}_{number}", now(), std::process::id())
}

/// Drops what nobody uses or will use any more.
pub(crate) async fn sweep(connection: &mut Connection, own_machine: bool) {
    let unused: Vec<Unused> = diesel::sql_query(
        "SELECT datname::text AS name FROM pg_database AS d WHERE starts_with(datname, $1)
         AND NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.datid = d.oid)",
    )
    .bind::<Text, _>(PREFIX)
    .load(connection)
    .await
    .expect("the catalogue can be read");
    for Unused { name } in
        unused.iter().filter(|unused| is_left_over(&unused.name, now(), own_machine, lives))
    {
        // Another sweeper may be faster; a user who came back keeps it.
        if let Err(error) = connection.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).await {
            eprintln!("the left over test database {name} stays: {error}");
        }
    }
}

/// On this machine's own server a dead process's databases go at once; elsewhere age decides.
fn is_left_over(name: &str, now: u64, own_machine: bool, lives: impl Fn(u32) -> bool) -> bool {
    let Some((since, rest)) = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')) else {
        return false;
    };
    let (Ok(since), Some(Ok(pid))) = (since.parse::<u64>(), rest.split('_').next().map(str::parse)) else {
        return false;
    };
    now.saturating_sub(since) > OLD_SECONDS || (own_machine && !lives(pid))
}

fn lives(pid: u32) -> bool {
    // Without /proc nobody can be said to be dead.
    !Path::new("/proc/self").exists() || Path::new(&format!("/proc/{pid}")).exists()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_and_the_old_are_left_over() {
        let (alive, dead) = (|_| true, |_| false);
        assert!(is_left_over("sides_test_1000_7_0", 1001, true, dead));
        assert!(!is_left_over("sides_test_1000_7_0", 1001, true, alive));
        assert!(!is_left_over("sides_test_1000_7_0", 1001, false, dead), "its machine is not known");
        assert!(is_left_over("sides_test_1000_7_0", 1000 + OLD_SECONDS + 1, false, alive));
        for other in
            ["postgres", "sides_test_", "sides_test_x_7_0", "sides_test_1000", "sides_template_1000_7_0"]
        {
            assert!(!is_left_over(other, u64::MAX, true, dead), "{other}");
        }
    }

    #[test]
    fn a_name_is_this_processs_and_is_used_once() {
        let (first, second) = (new_name(), new_name());
        assert_ne!(first, second);
        assert!(!is_left_over(&first, now(), true, lives));
    }
}
