//! Looking at migrations before they run: tried on a scratch database, each statement classed, and for what is
//! refused the text to write instead.

mod annotate;
mod fix;
mod judge;
mod look;
mod opaque;
mod prove;

pub use annotate::annotation;
pub use fix::{FixError, Fixed, fix};
pub(crate) use look::look_at;
pub use look::{Checked, Finding, check, check_in};
pub(crate) use opaque::{is_opaque, words};
