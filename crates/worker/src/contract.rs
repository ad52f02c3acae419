//! What a manifest says of a job.

use job::Job;
use process::Contract;

/// The contract of a job type.
pub(crate) fn contract<J: Job>() -> Contract {
    Contract {
        kind: J::KIND.to_owned(),
        version: J::VERSION,
        oldest: J::OLDEST,
        aliases: J::ALIASES.iter().map(ToString::to_string).collect(),
        arguments: job::fields::<J>(),
    }
}

/// A job of which only the kind is known: its type was written for fang.
pub(crate) fn undescribed(kind: &str) -> Contract {
    Contract {
        kind: kind.to_owned(),
        version: 1,
        oldest: 1,
        aliases: Vec::new(),
        arguments: std::collections::BTreeMap::new(),
    }
}
