//! The addresses, by the certificate that the server shows meanwhile.

mod certificates;
mod people;
mod ways;

/// How an address ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Encrypted,
    Plain,
    Refused,
}

use certificates::{address, expired, named, signed_by_itself, wild};
use people::{clients, passwords};
use ways::{files, modes, several};

#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) address: &'static str,
    pub(super) variables: &'static [(&'static str, &'static str)],
    pub(super) home: &'static str,
    pub(super) ours: Outcome,
    /// What psql does, where that is another thing.
    pub(super) theirs: Option<Outcome>,
    /// A part of what ours says.
    pub(super) says: &'static str,
}

impl Case {
    const fn with(mut self, variables: &'static [(&'static str, &'static str)]) -> Self {
        self.variables = variables;
        self
    }

    const fn at(mut self, home: &'static str) -> Self {
        self.home = home;
        self
    }

    /// On purpose another outcome than psql's.
    const fn unlike(mut self, theirs: Outcome) -> Self {
        self.theirs = Some(theirs);
        self
    }
}

const fn case(address: &'static str, ours: Outcome) -> Case {
    Case { address, variables: &[], home: "{dir}/home", ours, theirs: None, says: "" }
}

const fn refused(address: &'static str, says: &'static str) -> Case {
    Case { says, ..case(address, Outcome::Refused) }
}

pub(super) fn by_certificate() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        ("good", [modes(), files(), clients(), passwords(), several()].concat()),
        ("manual", named(true)),
        ("manual-elsewhere", named(false)),
        ("manual-expired", expired()),
        ("common", named(true)),
        ("common-elsewhere", named(false)),
        ("expired", expired()),
        ("self", signed_by_itself(true)),
        ("self-expired", signed_by_itself(false)),
        ("chain", named(true)),
        ("ed25519", named(true)),
        ("p384", named(true)),
        ("wild", wild()),
        ("address", address()),
    ]
}
