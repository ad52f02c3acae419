//! Whether the requested state has been reached. Decides on values; the queries are elsewhere.

use crate::answers::Dyno;

/// What the dynos of a process say about a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gate {
    /// All run it and are up.
    Up,
    /// Not yet.
    Waits(String),
    /// One of them died.
    Failed(String),
}

/// Whether `quantity` dynos of a type run at least this version and are up.
pub(crate) fn judge(dynos: &[Dyno], process: &str, version: u64, quantity: u32) -> Gate {
    let all: Vec<&Dyno> = dynos.iter().filter(|dyno| dyno.r#type == process).collect();
    let new = || all.iter().filter(|dyno| dyno.release.version >= version);
    if let Some(dead) = new().find(|dyno| dyno.state == "crashed") {
        return Gate::Failed(format!("{} crashed in v{}", dead.name, dead.release.version));
    }
    let up = new().filter(|dyno| matches!(dyno.state.as_str(), "up" | "idle")).count();
    if all.len() == quantity as usize && up == all.len() {
        return Gate::Up;
    }
    Gate::Waits(format!("{up} of {quantity} dynos of {process} are up in v{version}"))
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::answers::DynoRelease;

    fn dyno(name: &str, state: &str, version: u64) -> Dyno {
        Dyno {
            id: name.to_owned(),
            name: name.to_owned(),
            r#type: name.split('.').next().unwrap().to_owned(),
            command: String::new(),
            state: state.to_owned(),
            release: DynoRelease { version },
            size: String::new(),
            created_at: Utc::now(),
        }
    }

    #[test]
    fn only_all_dynos_up_in_the_expected_release_are_enough() {
        let judged = |dynos: &[Dyno]| judge(dynos, "web", 3, 2);
        let good = [dyno("web.1", "up", 3), dyno("web.2", "up", 4), dyno("run.1", "starting", 3)];
        assert_eq!(judged(&good), Gate::Up);
        let waits = |dynos: &[Dyno]| matches!(judged(dynos), Gate::Waits(_));
        assert!(waits(&[dyno("web.1", "up", 3)]), "one is missing");
        assert!(waits(&[dyno("web.1", "up", 3), dyno("web.2", "starting", 3)]));
        assert!(waits(&[dyno("web.1", "up", 3), dyno("web.2", "up", 2)]), "an old one is up");
        assert!(waits(&[dyno("web.1", "up", 3), dyno("web.2", "crashed", 2)]), "an old one died: no matter");
        let died = judged(&[dyno("web.1", "up", 3), dyno("web.2", "crashed", 3)]);
        assert_eq!(died, Gate::Failed("web.2 crashed in v3".to_owned()));
    }
}
