//! A release: what changed, in which order, and a receipt.
//!
//! The whole of it reads from the top in `recipe`; what it begins with, and the one lock, are in `begun`. Build every
//! program on its own (`build`), ask the kept programs, the schema and the queue what they need
//! (`world`), have the planner find an order in which every state is compatible (`plan`), and carry it out (`steps`): schema
//! changes, and one process after the other is replaced by the host or by the place where it lives (`replace`), where it has several instances after one of the new build
//! served beside them (`canary`; `left` ends one that an interrupted release has left), each with the rights that its build
//! declares (`rights`), all under the eyes of a strict prober (`measure`) and a count of jobs, ticks and locks (`count`);
//! each step is written down (`journal`). The new builds are watched (`bake`) and held to what the old ones did (`judge`). What does not go well is undone. The end is a receipt, which is stored.
//! Others are told how it stands (`report`), so it may go on in the background as soon as it is built (`detach`).

mod back;
mod bake;
mod begun;
mod beside;
mod build;
mod bundle;
mod canary;
mod chance;
mod count;
mod detach;
mod eyes;
mod growth;
mod holder;
mod jobs;
mod journal;
mod judge;
mod late;
mod ledger;
mod left;
mod limits;
mod machine;
mod measure;
mod migrating;
mod order;
mod origin;
mod plan;
mod prepared;
mod receipt;
mod recipe;
mod refused;
mod rehearsal;
mod remap;
mod replace;
mod report;
mod rights;
mod steps;
mod underway;
mod unmanaged;
mod visitor;
mod watching;
mod world;

use std::path::PathBuf;

use crate::{preflight::Obstacle, progress::Progress};
use ledger::Ledger;
use left::Left;
use workspace::Outcome;

pub use back::{RollbackOptions, run as run_back};
pub use beside::{Worse, judge as judge_beside};
pub(crate) use build::Pending;
pub(crate) use build::programs as build_programs;
pub use count::{Block, Jobs, Ticks};
pub use detach::{Detached, run as run_detached};
pub(crate) use holder::{Holder, WAIT_OR_BREAK_OFF};
pub use limits::Limits;
pub(crate) use order::find as find_order;
pub use plan::{Canary, Plan, Roll, Step};
pub(crate) use prepared::{Prepared, build as build_release};
pub use receipt::{Done, Receipt, Replaced, Requests, Verdict};
pub use recipe::run;
pub use refused::Refused;
pub use rehearsal::{KnownBy, Rehearsal, Remote};
pub use watching::Watching;

/// What is released, and how that is watched.
#[derive(Debug, Clone)]
pub struct ReleaseOptions {
    /// Only these processes; none is all of them.
    pub only: Vec<String>,
    /// Show what would be done, without doing it.
    pub dry_run: bool,
    /// Builds that are kept already, instead of new ones: digests, or as much of each as no other begins with.
    pub builds: Vec<String>,
    /// A file with builds that are kept already, as a rehearsal or a command that detaches its release writes it.
    pub prepared: Option<PathBuf>,
    /// How it is watched.
    pub watching: Watching,
}

/// How a release, or a rollback, ended.
#[derive(Debug)]
pub enum Ended {
    /// No host runs here, and something needs it.
    NoHost,
    /// What is wanted runs already.
    NothingToDo,
    /// It was only asked what would be done.
    Shown,
    /// There is no order in which it could go; nothing was changed.
    Refused,
    /// It cannot begin: nothing was built, and nothing was changed.
    Hindered(Vec<Obstacle>),
    /// It was carried out, well or not.
    CarriedOut {
        /// What was done and measured.
        receipt: Box<Receipt>,
        /// The receipt's number; none when the database could not store it.
        number: Option<i64>,
        /// Whether the next rollback leads back to what ran before.
        leads_back: bool,
    },
}

impl Ended {
    /// The exit code of its command.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::NoHost => Outcome::NotRunning,
            Self::NothingToDo => Outcome::NothingToDo,
            Self::Shown => Outcome::Done,
            Self::Refused => Outcome::Refused,
            Self::Hindered(_) => Outcome::Failed,
            Self::CarriedOut { receipt, .. } => receipt.outcome.into(),
        }
    }

    /// Nothing was to be done but to end the canaries that were left, if there were any.
    async fn with(left: Option<Left>, ledger: &mut Ledger, progress: &dyn Progress) -> Self {
        match left {
            Some(left) => Self::carried_out(left.receipt(ledger, progress).await, false),
            None => Self::NothingToDo,
        }
    }

    fn carried_out((receipt, number): (Receipt, Option<i64>), leads_back: bool) -> Self {
        Self::CarriedOut { receipt: Box::new(receipt), number, leads_back }
    }
}
