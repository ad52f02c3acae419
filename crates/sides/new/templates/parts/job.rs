//! The job `{{name}}`.

use job::Job;
use serde::{Deserialize, Serialize};

/// Its arguments: what the handler needs to know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct {{type}} {}

impl Job for {{type}} {
    const KIND: &'static str = "{{name}}";
}
