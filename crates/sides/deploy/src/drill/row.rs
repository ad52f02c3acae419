//! What a row of the drills says.

use manifest::Role;

use super::fault::Fault;

/// One drill.
#[derive(Debug, Clone, Copy)]
pub struct Drill {
    /// As it is asked for.
    pub name: &'static str,
    /// What is done, in a sentence.
    pub what: &'static str,
    /// What the process is there for whose new build is bad.
    pub role: Role,
    /// How many instances there are of it: of more than one, the first new one is a canary.
    pub instances: u32,
    /// What that build does.
    pub fault: Fault,
    /// What happens to something else while the new build is watched.
    pub mischief: Mischief,
    /// What must be seen at the end.
    pub ends: Ends,
    /// Which requests may fail.
    pub may_fail: MayFail,
    /// Where it can be carried out.
    pub at: At,
}

/// Where a drill can be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// At every place.
    EveryPlace,
    /// On a machine of ours alone; why not at Heroku.
    Machine(&'static str),
    /// At Heroku alone; why not on a machine of ours, and so not on a stage.
    Heroku(&'static str),
}

/// What happens beside the new build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mischief {
    /// Nothing.
    None,
    /// Postgres does not answer for a while.
    PostgresAway,
    /// The host gets SIGKILL, and is started again.
    HostKilled,
    /// The host, which is the place of everything on a stage, does not answer for a while.
    HostAway,
    /// The disk that has the kept builds fills; `sides rollback` follows when there is room again.
    DiskFull,
    /// `sides release` gets SIGKILL; `sides rollback` follows.
    CommandKilled,
    /// The place does not answer for a while.
    PlaceAway,
    /// The place is asked too often, is down, and loses an answer while it gets the orders of a release.
    PlaceFails,
}

/// How a drill must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The release is undone without anybody asking: the good builds serve.
    Undone,
    /// The release goes through: its builds serve, and `sides rollback` leads back to the good ones.
    Released,
    /// One command leads back: the good builds serve.
    RolledBack,
}

/// Which requests of a strict client may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayFail {
    /// None.
    None,
    /// Those that the bad build answered.
    AnsweredByBadBuild,
    /// Those that the bad build had accepted when it ended.
    CutOff,
    /// Those that need what is away.
    WhileAway,
}

impl Drill {
    /// Why it cannot be carried out on a machine of ours, if it cannot.
    pub fn not_here(&self) -> Option<&'static str> {
        match self.at {
            At::Heroku(why) => Some(why),
            At::EveryPlace | At::Machine(_) => None,
        }
    }

    /// Why it cannot be carried out at Heroku, if it cannot.
    pub fn not_at_heroku(&self) -> Option<&'static str> {
        match self.at {
            At::Machine(why) => Some(why),
            At::EveryPlace | At::Heroku(_) => None,
        }
    }
}
