//! Looking at migrations before they run: tried on a scratch database, each statement classed, and for what is
//! refused the text to write instead.

mod annotate;
mod finding;
mod fix;
mod judge;
mod look;
mod memory;
mod opaque;
mod prove;

pub use annotate::annotation;
pub use finding::{Checked, Finding};
pub use fix::{FixError, Fixed, fix};
pub use look::{check, check_in};
pub(crate) use look::{check_remembering, look_at};
pub(crate) use memory::Memory;
pub(crate) use opaque::{is_opaque, words};
