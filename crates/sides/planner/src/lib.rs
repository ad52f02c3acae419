//! What is compatible, and in which order it may be released.
//!
//! Values in, plan out: this crate knows no database, no network and no file system. A [`World`] says which
//! releases are live, which are wanted, which schema steps are pending and which jobs wait. [`plan()`] answers
//! with an order in which every state on the way is compatible, each step's rollback included, or with a [`Refusal`]
//! that names the smallest set of facts that cannot hold together.
//!
//! How it works, one file each: every fact that could rule a state out is a [`Requirement`]
//! (`requirements.rs`); the world is compiled to bit sets and cut down to what those facts touch
//! (`problem.rs`); processes that none of them connects are planned apart (`parts.rs`), with as few of those
//! facts as will do (`few_rules.rs`); a depth-first search walks the states (`search.rs`), asking of each schema
//! step whether the way back stays open (`way_back.rs`); a world without an order is cut down to its smallest
//! conflict (`conflict.rs`).
//!
//! ```
//! use sides_planner::{Manifest, Process, World, plan};
//!
//! let web = |digest: &str| Manifest::new("web", digest);
//! let process = Process { name: "web".to_owned(), live: vec![web("a1b2")], wanted: Some(web("c3d4")) };
//! let plan = plan(&World { processes: vec![process], ..World::default() }).expect("nothing stands against it");
//! assert!(!plan.actions.is_empty() && plan.point_of_no_return.is_none());
//! ```

mod actions;
mod compatibility;
mod conflict;
mod few_rules;
mod order;
mod parts;
mod plan;
mod problem;
mod refusal;
mod requirement;
mod requirements;
mod rule;
mod search;
mod split;
mod splitting;
mod way_back;
mod world;

pub use actions::Action;
pub use compatibility::{JobMismatch, argument_mismatches, job_mismatches, shape_mismatches};
pub use manifest::{
    Arguments, CATALOGUE_SQL, Catalogue, Change, Column, Handled, MANIFEST_VERSION, Manifest, Role,
    SchemaMismatch, TableUse, Tables, declared, json_type, schema_mismatches,
};
pub use plan::{Plan, plan, plan_in_rolls};
pub use refusal::{Refusal, WorldFault};
pub use requirement::{Requirement, WaitingJob};
pub use split::Split;
pub use world::{Phase, Process, Scheduled, SchemaStep, Shape, World};
