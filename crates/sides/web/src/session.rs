//! Who may change something: the secret, and the cookie that stands for it.

mod bearer;
mod cookie;
mod key;
mod visitor;

pub use bearer::Bearer;
pub(crate) use cookie::{ended, opened};
pub(crate) use key::Key;
pub use key::new_secret;
pub use visitor::{Admin, Visitor};
