//! Greets somebody.

use job::Job;
use serde::{Deserialize, Serialize};

/// Writes a greeting down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greet {
    /// Who is greeted.
    pub name: String,
}

impl Job for Greet {
    const KIND: &'static str = "greet";
}
