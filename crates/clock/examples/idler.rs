//! A process that does nothing, under the name in `IDLER_NAME`. With `IDLER_LOOP_FAILS` its only loop fails, and
//! the drain that follows takes an hour.

use std::{process::ExitCode, time::Duration};

fn main() -> ExitCode {
    let name = std::env::var("IDLER_NAME").unwrap_or_else(|_| "idler".to_owned());
    process::Definition::new(name.leak(), "Waits until it is told to stop.").threads(1).ops_port(0).run(
        |environment| environment.flag("IDLER_LOOP_FAILS", false),
        |process, fails| async move {
            let drain = process.drain.clone();
            process.spawn_loop("dream", async move {
                anyhow::ensure!(!fails, "the dog barks");
                drain.started().await;
                Ok(())
            });
            process.drain.started().await;
            if fails {
                tokio::time::sleep(Duration::from_secs(3600)).await;
            }
            Ok(())
        },
    )
}
