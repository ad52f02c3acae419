//! What a rehearsal covers of other places, and what it cannot show; part of its receipt.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How close a rehearsal comes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Rehearsal {
    /// The processes that `deploy/targets.toml` gives to other places; on the stage they run on this machine.
    pub remote: BTreeMap<String, Remote>,
    /// What the stage cannot show, a line for each.
    pub not_rehearsed: Vec<String>,
    /// What a person should know beside.
    pub notes: Vec<String>,
}

/// A rehearsal in JSON: `remote` was once called `elsewhere`, and whoever reads that still finds it.
#[derive(Serialize, Deserialize)]
struct Written {
    remote: Option<BTreeMap<String, Remote>>,
    elsewhere: Option<BTreeMap<String, Remote>>,
    not_rehearsed: Vec<String>,
    notes: Vec<String>,
}

impl From<Written> for Rehearsal {
    fn from(written: Written) -> Self {
        let Written { remote, elsewhere, not_rehearsed, notes } = written;
        Self { remote: remote.or(elsewhere).unwrap_or_default(), not_rehearsed, notes }
    }
}

impl From<Rehearsal> for Written {
    fn from(rehearsal: Rehearsal) -> Self {
        let Rehearsal { remote, not_rehearsed, notes } = rehearsal;
        Self { elsewhere: Some(remote.clone()), remote: Some(remote), not_rehearsed, notes }
    }
}

/// A process of another place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// The place's name.
    pub place: String,
    /// The release that runs there, as far as its name is known: the digest, or as much of it as an instance was told.
    pub runs: Option<String>,
    /// Who said so.
    pub known_by: KnownBy,
    /// Whether that release is on the stage: then it works there until it is replaced, and is gone back to.
    pub on_stage: bool,
}

/// Who said which release runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownBy {
    /// The place itself.
    Place,
    /// The rows that instances write while they live: the place could not be asked.
    Database,
    /// Nothing runs there yet, and the host of this machine still runs what will move.
    ThisMachine,
    /// It is not known what runs there.
    Nobody,
}

impl Rehearsal {
    /// Each line as a sentence's beginning: what is not rehearsed, and what to know beside.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let left_out = self.not_rehearsed.iter().map(|line| format!("Not rehearsed: {line}."));
        left_out.chain(self.notes.iter().map(|line| format!("Note: {line}.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_is_read_by_the_new_name_and_by_the_old_one() {
        let remote =
            Remote { place: "cloud".to_owned(), runs: None, known_by: KnownBy::Nobody, on_stage: false };
        let rehearsal = Rehearsal { remote: [("web".to_owned(), remote)].into(), ..Rehearsal::default() };
        let mut json = serde_json::to_value(&rehearsal).unwrap();
        assert_eq!(json["remote"], json["elsewhere"]);
        assert_eq!(serde_json::from_value::<Rehearsal>(json.clone()).unwrap(), rehearsal);
        for name in ["remote", "elsewhere"] {
            let other = json.as_object_mut().unwrap().remove(name).unwrap();
            assert_eq!(
                serde_json::from_value::<Rehearsal>(json.clone()).unwrap(),
                rehearsal,
                "without {name}"
            );
            json[name] = other;
        }
    }
}
