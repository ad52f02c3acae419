//! Changes to what runs, and the wait until they take effect.

mod pace;
mod release;
mod restart;
mod scale;
mod upload;
mod wait;

/// How often a lost order is looked for and given again.
const TRIES: u32 = 4;
