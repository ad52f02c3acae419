//! Which replica of a place an instance is. A *replica* is what a place runs and can replace; an *instance* is a process
//! that says of itself that it runs. Pure.

use chrono::TimeDelta;
use platform::place::{Instance as Replica, told};

use crate::inventory::Instance;

/// How far the clocks of two machines may be apart.
const APART: TimeDelta = TimeDelta::seconds(5);

/// The replica that an instance is; `None` for one that is gone, or that another place runs. Addresses of loopback mean
/// something on the machine `here` only. A dyno's name comes back with the replica that follows it, so the
/// process must have begun after the dyno did, and be of its release.
pub(crate) fn of<'a>(replicas: &'a [Replica], instance: &Instance, here: &str) -> Option<&'a Replica> {
    let is_it = |replica: &&Replica| {
        let says =
            |detail: &str, wanted: &str| replica.details.get(detail).is_some_and(|said| said == wanted);
        match instance.dyno() {
            Some(dyno) => {
                says("dyno", dyno)
                    && replica.since <= instance.started_at + APART
                    && (replica.release.is_empty() || told(&replica.release) == instance.release)
            }
            None => instance.host == here && says("ops_address", &instance.ops_address),
        }
    };
    replicas.iter().find(is_it)
}

/// What people call it.
pub(crate) fn name(replica: &Replica) -> &str {
    replica.details.get("dyno").unwrap_or(&replica.id)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use platform::place::InstanceState;
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn instance(host: &str, started: i64) -> Instance {
        Instance {
            id: Uuid::nil(),
            process: "worker".to_owned(),
            release: "aaaaaaaaaaaa".to_owned(),
            host: host.to_owned(),
            state: "ready".to_owned(),
            ops_address: "127.0.0.1:3002".to_owned(),
            public_address: None,
            works: true,
            started_at: at(started),
            silence: 0,
        }
    }

    fn replica(id: &str, since: i64, (detail, value): (&str, &str)) -> Replica {
        Replica {
            id: id.to_owned(),
            release: "a".repeat(64),
            since: at(since),
            state: InstanceState::Healthy,
            reason: None,
            details: [(detail.to_owned(), value.to_owned())].into(),
        }
    }

    #[test]
    fn a_dyno_is_found_by_its_name_and_not_taken_for_the_one_before() {
        let dynos = [replica("x", 100, ("dyno", "worker.1")), replica("y", 100, ("dyno", "worker.2"))];
        let found =
            |host: &str, started| of(&dynos, &instance(host, started), "here").map(|replica| &*replica.id);
        assert_eq!(found("worker.2@one", 103), Some("y"));
        assert_eq!(found("worker.1@one", 97), Some("x"), "its clock is behind");
        assert_eq!(found("worker.1@one", 60), None, "that dyno was started afresh since");
        assert_eq!(found("worker.3@one", 103), None);
        assert_eq!(found("here", 103), None, "what runs here is no dyno");
        let mut other = instance("worker.1@one", 103);
        other.release = "bbbbbbbbbbbb".to_owned();
        assert!(of(&dynos, &other, "here").is_none(), "it runs what was released before");
        assert_eq!(name(&dynos[0]), "worker.1");
    }

    #[test]
    fn an_address_of_loopback_means_something_on_its_machine_only() {
        let replicas = [replica("worker.4", 100, ("ops_address", "127.0.0.1:3002"))];
        let found = |host: &str| of(&replicas, &instance(host, 103), "here").is_some();
        assert_eq!((found("here"), found("there"), found("worker.1@one")), (true, false, false));
        assert_eq!(name(&replicas[0]), "worker.4");
    }
}
