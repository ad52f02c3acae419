//! The program `sides`.

use std::process::ExitCode;

fn main() -> ExitCode {
    sides_cli::main()
}
