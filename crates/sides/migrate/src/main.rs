//! `sides-migrate`: the commands on a folder of migrations in diesel's format, without the chassis' own tables.

use std::process::ExitCode;

use sides_migrate::Sources;

fn main() -> ExitCode {
    sides_migrate::run(&Sources::folder())
}
