//! What a person sees. Nothing here decides anything.

mod clean;
mod palette;
mod screen;
mod spinner;
mod table;
pub(crate) mod tell;

pub(crate) use clean::clean;
pub(crate) use palette::{BUSY, Palette, QUIET};
pub(crate) use screen::Screen;
pub(crate) use spinner::Spinner;
pub(crate) use table::table;
