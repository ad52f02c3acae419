//! What a command-line program owes its terminal: what happens when its reader goes away, whether its output is in
//! colour, and its parts: a table, marks, lines that scroll above one line that stays.
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
