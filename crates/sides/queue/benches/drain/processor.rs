//! Whose time it takes: processor time of this process and of the server. Unlike a rate it hardly depends on what else
//! the machine does.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use tokio_postgres::Client;

/// Ticks of `/proc` in a second, on every Linux.
const TICKS: u64 = 100;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) here: Duration,
    /// Of the server and all its sessions, those that have ended included; nothing when it runs elsewhere.
    pub(crate) server: Duration,
}

impl Times {
    /// So far.
    pub(crate) async fn now(client: &Client) -> Self {
        let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
        let micros = |time: nix::sys::time::TimeVal| {
            Duration::from_micros(u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap())
        };
        let here = micros(usage.user_time()) + micros(usage.system_time());
        let pid = "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int";
        let server = match client.query_one(pid, &[]).await {
            Ok(row) => server(row.get(0)),
            Err(_) => Duration::ZERO,
        };
        Self { here, server }
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            here: self.here.saturating_sub(earlier.here),
            server: self.server.saturating_sub(earlier.server),
        }
    }
}

fn server(postmaster: i32) -> Duration {
    let folders = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ticks: u64 = folders
        .filter_map(|folder| std::fs::read_to_string(folder.path().join("stat")).ok())
        .filter_map(|stat| ticks(&stat, postmaster))
        .sum();
    Duration::from_millis(ticks * 1000 / TICKS)
}

/// The ticks in a line of `/proc/pid/stat`, of the postmaster and its children only.
fn ticks(stat: &str, postmaster: i32) -> Option<u64> {
    let pid: i32 = stat.split(' ').next()?.parse().ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |place: usize| fields.get(place).and_then(|text| text.parse::<u64>().ok());
    // Its own line counts the children that have ended too.
    let last = if pid == postmaster { 14 } else { 12 };
    (pid == postmaster || fields.get(1)?.parse() == Ok(postmaster))
        .then(|| (11..=last).filter_map(number).sum())
}
