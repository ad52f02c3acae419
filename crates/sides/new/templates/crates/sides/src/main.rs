//! The command line: `cargo run -- dev`, `cargo run -- plan`, `cargo run -- --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    sides_cli::main()
}
