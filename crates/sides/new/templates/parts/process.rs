//! {{title}}: runs until it is told to stop.

use std::process::ExitCode;

use process::Declaration;

fn main() -> ExitCode {
    process::Definition::new("{{name}}", "{{title}}: runs until it is told to stop.")
        .declares(Declaration::new())
        .run(
            |_| (),
            |process, ()| async move {
                process.drain.started().await;
                Ok(())
            },
        )
}
