//! The manners of a program on a command line: what happens to it when its reader goes away, whether what it says is in
//! colour, and what it says: a table, marks, lines that scroll above one line that stays.
//!
//! ```
//! use sides_terminal::{Palette, table};
//!
//! let rows = [vec!["web".to_owned(), "ready".to_owned()]];
//! assert_eq!(table(Palette::PLAIN, &["PROCESS", "STATE"], &rows), "PROCESS  STATE\nweb      ready\n");
//! ```
//!
//! Never knows any other crate here.

mod clean;
mod colour;
mod palette;
mod reader;
mod screen;
mod table;
pub mod tell;
mod width;

pub use clean::{clean, clean_lines};
pub use colour::wants_colour;
pub use palette::{BAD, BUSY, GOOD, PLAIN, Palette, QUIET, STRONG};
pub use reader::end_with_reader;
pub use screen::{Piece, Screen};
pub use table::table;
pub use width::columns;
