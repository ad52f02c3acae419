//! Who may change something: the token, and the session that it opens.

mod bearer;
mod cookie;
mod key;
pub(crate) mod page;
mod visitor;

use ::schema::sessions as store;
pub(crate) use ::schema::sessions::{Opening, end, open};
pub use bearer::Bearer;
pub(crate) use cookie::{SessionCookie, removed};
pub(crate) use key::Key;
pub use key::new_secret;
pub(crate) use visitor::actor;
pub use visitor::{Admin, Visitor};
