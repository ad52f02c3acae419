//! A reader that has seen enough: `sides jobs list | head -1`.
//!
//! Unix ends such a program with SIGPIPE. Rust ignores that signal, for the sake of sockets, and `println!` panics
//! instead. Sockets keep that protection here: only a failed print to standard output or standard error ends the
//! program, quietly, with the code that a shell shows for SIGPIPE.

use std::panic;

/// 128 and the number of SIGPIPE.
const CODE: i32 = 141;

/// From now on a print that nobody reads ends the program. For commands, not for servers, whose log may lose its reader.
pub fn end_with_reader() {
    let otherwise = panic::take_hook();
    panic::set_hook(Box::new(move |fault| {
        if fault.payload_as_str().is_some_and(is_for_nobody) {
            std::process::exit(CODE);
        }
        otherwise(fault);
    }));
}

/// What the standard library says when a print failed since the other end is closed.
fn is_for_nobody(message: &str) -> bool {
    let is_print =
        message.starts_with("failed printing to stdout") || message.starts_with("failed printing to stderr");
    is_print && message.contains("Broken pipe")
}
