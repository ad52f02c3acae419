//! {{title}}: runs until it is told to stop.

use std::process::ExitCode;

use process::Declaration;

fn main() -> ExitCode {
    let definition = process::Definition::new("{{name}}", "Runs until it is told to stop.");
    definition.declares(Declaration::new()).run(
        |_| (),
        |process, ()| async move {
            process.drain.started().await;
            Ok(())
        },
    )
}
