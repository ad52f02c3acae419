//! A process at another place: what of it can be on the stage, and what to report.

use platform::{place::told, procfile};

use crate::release::{KnownBy, Rehearsal, Remote};
use workspace::releases::{DIRTY, Digest};

/// As many digits of a digest as an instance is told, at least.
const TOLD: usize = 12;

pub(super) struct There<'a> {
    pub(super) process: &'a str,
    pub(super) place: &'a str,
    /// Whether the place starts new instances beside the old ones, as the stage does.
    pub(super) surges: bool,
    pub(super) found: Found,
    /// Whether a new build of it is rehearsed.
    pub(super) is_built: bool,
    /// What this machine's host still runs, before or after the process has moved.
    pub(super) left_behind: Option<Digest>,
}

/// Which release runs; none when nothing does, or nobody knows.
pub(super) struct Found {
    pub(super) release: Option<String>,
    pub(super) by: KnownBy,
}

/// From where a release could be had.
#[derive(Default)]
pub(super) struct Origin {
    /// The commit it was built from.
    pub(super) commit: Option<String>,
    /// Who released it, and on which machine.
    pub(super) released_by: Option<String>,
}

impl There<'_> {
    /// The old build for the stage, if there is one. `kept` finds the releases here whose digest begins so.
    pub(super) fn tell(
        &self,
        kept: impl Fn(&str) -> Vec<Digest>,
        origin: &Origin,
        rehearsal: &mut Rehearsal,
    ) -> Option<Digest> {
        let Self { process, place, found, .. } = self;
        let (mut known_by, mut runs) = (found.by, found.release.clone());
        let mut digest = None;
        match &found.release {
            Some(name) if is_digest(name) => match kept(name).pop() {
                Some(found) => digest = Some(found),
                None => rehearsal.not_rehearsed.push(self.is_missing(name, origin)),
            },
            Some(_) => rehearsal.not_rehearsed.push(format!(
                "{process} at {place} was not released by sides, so it is not on the stage: {}",
                self.instead()
            )),
            None if self.left_behind.is_some() => {
                digest.clone_from(&self.left_behind);
                (known_by, runs) = (KnownBy::ThisMachine, None);
                rehearsal.notes.push(format!(
                    "{process} is not known to run at {place} yet: the build that this machine still runs is the \
                     old one on the stage"
                ));
            }
            None if found.by == KnownBy::Nobody => rehearsal.not_rehearsed.push(format!(
                "it is not known which {process} runs at {place}, since no instance has a heartbeat in the \
                 database: {}",
                self.instead()
            )),
            None => {}
        }
        if let Some(other) = self.left_behind.as_ref().filter(|_| known_by != KnownBy::ThisMachine)
            && digest.as_ref() != Some(other)
        {
            let line = format!(
                "{process} {other}, which this machine still runs, has no place on the stage beside {place}'s"
            );
            rehearsal.not_rehearsed.push(line);
        }
        if !self.surges && found.release.is_some() {
            rehearsal.not_rehearsed.push(self.gap());
        }
        let on_stage = digest.is_some();
        let remote = Remote { place: (*place).to_owned(), runs, known_by, on_stage };
        rehearsal.remote.insert((*process).to_owned(), remote);
        digest
    }

    /// What its absence means, and from where it could be had.
    fn is_missing(&self, release: &str, origin: &Origin) -> String {
        let Self { process, place, .. } = self;
        let mut text = format!(
            "{process} {} runs at {place} and is not kept here, so its work, its replacement and the rollback to \
             it are not on the stage: {}",
            told(release),
            self.instead()
        );
        if let Some(who) = &origin.released_by {
            text += &format!("; it was released by {who}, and a rehearsal on that machine has it");
        }
        match &origin.commit {
            Some(commit) if commit.ends_with(DIRTY) => {
                text += "; it was built from uncommitted changes, so it cannot be built here";
            }
            Some(commit) => {
                text += &format!(
                    "; a build here has the same bytes: `git switch --detach {commit} && {{ sides release --only {process} \
                     --dry-run || true; git switch -; }}`"
                );
            }
            None => {}
        }
        text
    }

    /// What the stage has of it.
    fn instead(&self) -> String {
        match self.is_built {
            true => format!("a first release of {} is", self.process),
            false => format!("nothing of {} is, and a job that only it works is refused there", self.process),
        }
    }

    fn gap(&self) -> String {
        let Self { process, place, .. } = self;
        match *process {
            procfile::WEB => format!(
                "nobody answers at {place} while web's dyno starts, since it has no preboot; on the stage the \
                 new instance starts beside the old one"
            ),
            _ => format!(
                "at {place} the work of {process} waits while its dynos are replaced; on the stage the new \
                 instance starts beside the old one"
            ),
        }
    }
}

fn is_digest(name: &str) -> bool {
    name.len() >= TOLD && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(letter: char) -> Digest {
        Digest::parse(&letter.to_string().repeat(64)).unwrap()
    }

    fn tell(
        found: Option<&str>,
        by: KnownBy,
        left_behind: Option<char>,
        kept: &[char],
    ) -> (Option<Digest>, Rehearsal) {
        let found = Found { release: found.map(str::to_owned), by };
        let left_behind = left_behind.map(digest);
        let there =
            There { process: "worker", place: "cloud", surges: true, found, is_built: true, left_behind };
        let origin = Origin { commit: Some(format!("c0ffee{DIRTY}")), released_by: None };
        let kept = |name: &str| {
            kept.iter().map(|one| digest(*one)).filter(|one| one.as_str().starts_with(name)).collect()
        };
        let mut rehearsal = Rehearsal::default();
        (there.tell(kept, &origin, &mut rehearsal), rehearsal)
    }

    #[test]
    fn what_runs_there_is_the_old_one_when_its_bytes_are_here() {
        let (full, short) = ("a".repeat(64), "a".repeat(12));
        for (name, by) in [(&full, KnownBy::Place), (&short, KnownBy::Database)] {
            let (old, rehearsal) = tell(Some(name), by, None, &['a', 'b']);
            assert_eq!((old, rehearsal.lines().count()), (Some(digest('a')), 0));
            assert!(rehearsal.remote["worker"].on_stage);
        }
        let (old, rehearsal) = tell(Some(&short), KnownBy::Database, None, &['b']);
        let lines: Vec<String> = rehearsal.lines().collect();
        assert!(old.is_none() && !rehearsal.remote["worker"].on_stage);
        assert!(lines[0].contains("worker aaaaaaaaaaaa runs at cloud and is not kept here"), "{lines:?}");
        assert!(
            lines[0].contains("it cannot be built here") && !lines[0].contains("git switch"),
            "{lines:?}"
        );
    }

    #[test]
    fn what_has_no_digest_is_none_of_ours() {
        for name in ["", "dev", "v12", "abc"] {
            let (old, rehearsal) = tell(Some(name), KnownBy::Place, None, &['a', 'b']);
            assert!(old.is_none(), "{name:?}");
            assert!(rehearsal.not_rehearsed[0].contains("was not released by sides"), "{rehearsal:?}");
        }
    }

    #[test]
    fn before_it_moves_the_one_here_is_the_old_one_and_afterwards_it_is_named() {
        let (old, rehearsal) = tell(None, KnownBy::Place, Some('b'), &['b']);
        assert_eq!((old, rehearsal.remote["worker"].known_by), (Some(digest('b')), KnownBy::ThisMachine));
        assert!(rehearsal.not_rehearsed.is_empty(), "{rehearsal:?}");
        let (old, rehearsal) = tell(Some(&"a".repeat(64)), KnownBy::Place, Some('b'), &['a', 'b']);
        assert_eq!(old, Some(digest('a')));
        assert!(rehearsal.not_rehearsed[0].contains("worker bbbbbbbbbbbb, which this machine still runs"));
        let (old, rehearsal) = tell(None, KnownBy::Place, None, &['b']);
        assert_eq!((old, rehearsal.lines().count()), (None, 0), "a first release, as it will be");
        let (_, rehearsal) = tell(None, KnownBy::Nobody, None, &['b']);
        assert!(rehearsal.not_rehearsed[0].contains("is not known"), "{rehearsal:?}");
    }
}
