//! The planner against stories, and against brute force on random worlds.

mod agrees;
mod brute_force;
mod build;
mod random;
mod stories;
