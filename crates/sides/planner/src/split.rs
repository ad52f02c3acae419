//! The same change split over two releases.

use std::fmt;

use serde::Serialize;

use crate::WaitingJob;

/// What to leave for the next release so that this one has an order, and the next one too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Split {
    /// Schema steps for the next release.
    pub later_steps: Vec<String>,
    /// Processes that stay as they are in this one.
    pub later_processes: Vec<String>,
    /// Processes that change in this one.
    pub first_processes: Vec<String>,
    /// Jobs that must be worked off in between: nobody enqueues them any more, and the next release cannot work them.
    pub after_jobs: Vec<WaitingJob>,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let later: Vec<String> = self
            .later_processes
            .iter()
            .map(|process| format!("the new {process}"))
            .chain(self.later_steps.iter().map(|step| format!("the step {step}")))
            .collect();
        write!(f, "This takes two releases: leave {} for the second", later.join(" and "))?;
        if !self.after_jobs.is_empty() {
            let jobs: Vec<String> = self.after_jobs.iter().map(ToString::to_string).collect();
            write!(f, ", when no jobs of {} are left", jobs.join(", "))?;
        }
        f.write_str(".")?;
        if !self.later_processes.is_empty() && !self.first_processes.is_empty() {
            let only: Vec<String> =
                self.first_processes.iter().map(|name| format!("--only {name}")).collect();
            write!(f, " The first is: sides release {}", only.join(" "))?;
        }
        Ok(())
    }
}
