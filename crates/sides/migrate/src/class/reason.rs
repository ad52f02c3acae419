//! Why a statement is refused, in words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a statement must not run as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It writes the whole table anew.
    Rewrite,
    /// It reads the whole table.
    Scan,
    /// It builds an index.
    IndexBuild,
    /// It fails as soon as the table has a row.
    FailsOnRows,
    /// It keeps everyone out of one table while it waits for another.
    TwoTables,
    /// Code that runs uses the old name.
    OldName,
    /// It does to others what is not written here.
    Cascade,
    /// It has a form that keeps nobody out.
    Concurrently,
    /// It empties a table.
    Empties,
    /// It changes any number of rows at once.
    Unbatched,
    /// It works while a lock of a statement before it keeps others out.
    BehindLock,
    /// It takes long however few rows there are, while a lock keeps others out.
    Slow,
    /// It numbers rows from 1 on, where there may be rows with these numbers.
    Restarts,
    /// Statements that sessions have prepared fail after it.
    Prepared,
    /// It changes a function whose results are stored in an index, a generated column or a partition key.
    Computed,
    /// Statements of running code wait, or work as long as a table is large, in a function that they did not call before.
    Costly,
    /// It acts on the whole server, and was not tried for that.
    WholeServer,
    /// It reaches another server, a file or program of the server's machine, or the sessions of others, and was not tried
    /// for that.
    Elsewhere,
    /// It is, or needs, an extension that the scratch server does not have.
    NotTried,
    /// Neither its text nor its effects say what it does.
    NotUnderstood,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rewrite => "rewrites the whole table, and nobody can read or write it meanwhile",
            Self::Scan => "scans the whole table, and nobody can write to it meanwhile",
            Self::IndexBuild => "builds an index, and nobody can write to the table meanwhile",
            Self::FailsOnRows => "fails as soon as the table has a row, and so do the INSERTs of the running code",
            Self::TwoTables => "blocks everyone on one table while it waits for the lock on another",
            Self::OldName => "the running code uses the old name and fails at once",
            Self::Cascade => "CASCADE drops what is not named here; drop each thing by its name first",
            Self::Concurrently => "blocks everyone, and has a form that does not",
            Self::Empties => "blocks everyone, and removes what the running code still needs",
            Self::Unbatched => {
                "changes any number of rows in one transaction, and whoever changes one of them waits until it \
                 ends"
            }
            Self::BehindLock => {
                "works, or waits for rows, while the lock of an earlier statement blocks others"
            }
            Self::Slow => "takes long however few rows there are, and a lock blocks others meanwhile",
            Self::Restarts => {
                "numbers new rows from 1 on, and each INSERT that relies on it fails as long as the number is taken"
            }
            Self::Prepared => {
                "changes the result type of statements that running sessions have prepared, and these fail from \
                 then on (cached plan must not change result type)"
            }
            Self::Computed => {
                "changes a function whose results are stored in an index, a generated column or a partition key, so \
                 queries miss rows from then on; create a function with another name, and rebuild what uses it"
            }
            Self::Costly => {
                "makes each statement of the running code pause, lock a table, or work the longer the more rows there \
                 are; do that work in a job, or look the rows up by an index"
            }
            Self::WholeServer => {
                "acts on the whole server, so it is not tried on one that others use; install the Postgres \
                 server programs here to have it tried on a private one"
            }
            Self::Elsewhere => {
                "reaches another server, a file or program of the server's machine, or the sessions of others, so it \
                 is not tried"
            }
            Self::NotTried => "needs an extension that the scratch server does not have, so it is not tried",
            Self::NotUnderstood => "is not understood, and has no visible effect to judge it by",
        })
    }
}
