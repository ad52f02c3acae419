//! The manners of a program on a command line: what becomes of it when its reader goes away, and whether what it says
//! is in colour.
//!
//! Never knows any other crate here.

mod colour;
mod reader;
mod width;

pub use colour::wants_colour;
pub use reader::end_with_reader;
pub use width::columns;
