//! What the command line, a release and the controller ask of the queue's tables. Claiming, finishing and enqueueing are
//! the protocol of `sides-queue`, which alone writes them, or functions of the database.

pub mod change;
pub mod count;
pub mod ended;
pub mod kinds;
pub mod load;
pub mod release;
pub mod replay;
pub mod seen;
