//! What the database and the runners know at one moment.

/// Whom a row belongs to, or where it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Row {
    Waits,
    HeldBy(usize),
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Job {
    pub(crate) row: Row,
    /// The claims so far.
    pub(crate) lease: u8,
    /// Acknowledgements that the database has accepted.
    pub(crate) acknowledged: u8,
    /// Attempts that were started, and those after which a death or a lost lease explains another.
    pub(crate) started: u8,
    pub(crate) excused: u8,
    /// An outcome was accepted that was not the holder's.
    pub(crate) usurped: bool,
}

/// What a runner holds: the job, its token, and whether it has been run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Claim {
    pub(crate) job: usize,
    pub(crate) lease: u8,
    pub(crate) ran: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Runner {
    /// What the database knows of its lease.
    pub(crate) leased: bool,
    /// Its session lives, and with it the lock.
    pub(crate) session: bool,
    /// The server saw the lock at the last renewal.
    pub(crate) seen: bool,
    /// It died or lost its connection since.
    pub(crate) gone: bool,
    /// Its lease ended for a reason that excuses another attempt.
    pub(crate) excused: bool,
    pub(crate) dead: bool,
    pub(crate) held: Vec<Claim>,
    /// Outcomes on their way, which arrive at some time or never: also those of a runner that is dead by now.
    pub(crate) sent: Vec<Claim>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Queue {
    pub(crate) jobs: Vec<Job>,
    pub(crate) runners: Vec<Runner>,
    pub(crate) mishaps: u8,
}
