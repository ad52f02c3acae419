//! What is running at other places, and what to expect of a release there.

use std::collections::BTreeMap;

use platform::place::{Instance, PlaceError, told};

use super::Places;
use workspace::releases::{Digest, Set};

/// How many instances of a process run a release, by the process and by the name that an instance is told.
pub type Kept = BTreeMap<(String, String), usize>;

impl Places {
    /// What runs everywhere. `here` is what this machine's host was told to run.
    pub async fn running(&self, here: &Set) -> Result<Set, PlaceError> {
        let mut set = here.clone();
        set.retain(|process, _| self.is_local(process));
        for process in self.remote() {
            // What was pushed there by other means has no digest, and is replaced as if it were not there.
            let release = self.release_at(process).await?;
            if let Some(digest) = release.as_deref().and_then(Digest::parse) {
                set.insert(process.to_owned(), digest);
            }
        }
        Ok(set)
    }

    /// The name of the release that came last to where a process runs; none when no instance of it is there.
    pub async fn release_at(&self, process: &str) -> Result<Option<String>, PlaceError> {
        Ok(newest(&self.place_of(process).instances(process).await?))
    }

    /// The instances that places keep, and that a release reaches.
    pub async fn kept(&self) -> Result<Kept, PlaceError> {
        let mut kept = Kept::new();
        for process in self.remote() {
            for instance in self.place_of(process).instances(process).await? {
                *kept.entry((process.to_owned(), told(&instance.release).to_owned())).or_default() += 1;
            }
        }
        Ok(kept)
    }

    /// The name of a place that is not this machine.
    pub fn name_of(&self, process: &str) -> Option<String> {
        (!self.is_local(process)).then(|| self.place_of(process).name().to_owned())
    }

    /// What a plan says of the place that a process is replaced at; nothing of this machine's host.
    pub fn note(&self, process: &str) -> Option<String> {
        let name = self.name_of(process)?;
        let abilities = self.place_of(process).abilities(process);
        Some(match abilities.gap.as_secs() {
            0 if abilities.surges => {
                format!("{process} is replaced at {name}, the new instances beside the old ones")
            }
            0 => format!("{process} is replaced at {name}; what it does waits meanwhile"),
            gap => {
                format!(
                    "{process} is replaced at {name}, where nobody answers for about {gap} s: it has no preboot"
                )
            }
        })
    }
}

/// The release that came last: while it is put there, instances of the one before may still leave.
fn newest(instances: &[Instance]) -> Option<String> {
    instances.iter().max_by_key(|instance| instance.since).map(|instance| instance.release.clone())
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, Utc};
    use platform::place::InstanceState;

    use super::*;

    #[test]
    fn the_release_that_runs_is_the_one_that_came_last() {
        let instance = |letter: char, age: i64| Instance {
            id: String::new(),
            release: letter.to_string().repeat(64),
            since: Utc::now() - TimeDelta::seconds(age),
            state: InstanceState::Healthy,
            reason: None,
            details: BTreeMap::new(),
        };
        let found = newest(&[instance('a', 60), instance('b', 1), instance('a', 50)]);
        assert_eq!(found, Some("b".repeat(64)));
        assert_eq!(newest(&[]), None);
    }
}
