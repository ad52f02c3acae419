//! Instances that live and that neither the host nor a place of `deploy/targets.toml` keeps: on other machines, started by
//! hand, or left behind where their process has moved away from. A release does not reach them, so everything has to
//! fit with them until the end.

use std::collections::BTreeMap;

use anyhow::Context as _;
use nix::{
    errno::Errno,
    unistd::{Pid, getpgid},
};
use planner::Manifest;
use schema::instances::{ALIVE, SAY_WHAT_THEY_NEED};

use crate::places::{Kept, Places};
use workspace::{actor, control::DevStatus};

pub(super) struct Unmanaged {
    /// Its process says where it runs: `web on db2`.
    pub(super) manifest: Manifest,
    /// Whether it does not say what it needs.
    pub(super) is_silent: bool,
}

/// One for each release and machine. `kept` are the instances that places have.
pub(super) async fn instances(
    client: &tokio_postgres::Client,
    status: Option<&DevStatus>,
    mut kept: Kept,
) -> anyhow::Result<Vec<Unmanaged>> {
    if !client.query_one(SAY_WHAT_THEY_NEED, &[]).await?.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    let here = actor::this_machine();
    let mut found = BTreeMap::new();
    for row in client.query(ALIVE, &[]).await.context("cannot read the running processes")? {
        let (process, release, host, pid): (String, String, String, i32) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        let is_here = host == here && !is_by_hand(pid, status);
        if is_here || is_kept(&mut kept, &process, &release, row.get(5)) {
            continue;
        }
        let said: Option<Manifest> =
            row.get::<_, Option<&str>>(4).and_then(|text| serde_json::from_str(text).ok());
        let is_silent = said.is_none();
        let mut manifest = said.unwrap_or_else(|| Manifest::new(process.as_str(), release.as_str()));
        manifest.process = format!("{process} on {host}");
        found.insert((manifest.process.clone(), release), Unmanaged { manifest, is_silent });
    }
    Ok(found.into_values().collect())
}

/// Processes that have moved to another place, and of which this machine's host still runs instances, with their releases.
pub(super) fn left_behind(status: Option<&DevStatus>, places: &Places) -> Vec<(String, String)> {
    let Some(status) = status else { return Vec::new() };
    let moved = status.releases.keys().filter(|process| !places.is_local(process));
    moved.filter_map(|process| Some((process.clone(), status.release_of(process)?.to_owned()))).collect()
}

/// Whether a place has this instance: so many of its rows are those of its instances, and one that leaves is waited for.
fn is_kept(kept: &mut Kept, process: &str, release: &str, state: &str) -> bool {
    match kept.get_mut(&(process.to_owned(), release.to_owned())) {
        Some(_) if state == "draining" => true,
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => false,
    }
}

/// Whether a process of this machine lives and the host does not keep it. A row outlives its process for a moment.
fn is_by_hand(pid: i32, status: Option<&DevStatus>) -> bool {
    match getpgid(Some(Pid::from_raw(pid))) {
        // Each instance leads a group of its own; what a shell starts is in it.
        Ok(group) => status
            .into_iter()
            .flat_map(|status| &status.processes)
            .all(|instance| instance.pid.map(u32::cast_signed) != Some(group.as_raw())),
        Err(Errno::ESRCH) => false,
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_rows_as_a_place_has_copies_are_its_own() {
        let mut kept = Kept::from([(("worker".to_owned(), "aaaa".to_owned()), 1)]);
        assert!(is_kept(&mut kept, "worker", "aaaa", "draining"), "a dyno that was started afresh leaves");
        assert!(is_kept(&mut kept, "worker", "aaaa", "ready"));
        assert!(!is_kept(&mut kept, "worker", "aaaa", "ready"), "somebody else runs it, too");
        assert!(!is_kept(&mut kept, "worker", "bbbb", "ready"));
        assert!(!is_kept(&mut kept, "web", "aaaa", "draining"));
    }
}
