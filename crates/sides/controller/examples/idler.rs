//! A process that does nothing, under the name in `IDLER_NAME`. With `IDLER_WORKS` it says that it works jobs; with
//! `IDLER_LOOP_FAILS` its only loop fails, and the drain that follows takes an hour.

use std::{process::ExitCode, time::Duration};

fn main() -> ExitCode {
    let name = std::env::var("IDLER_NAME").unwrap_or_else(|_| "idler".to_owned());
    let declaration = process::Declaration::new();
    let works = std::env::var_os("IDLER_WORKS").is_some();
    let declaration = if works { declaration.works() } else { declaration };
    let definition = process::Definition::new(name.leak(), "Waits until it is told to stop.").threads(1);
    definition.declares(declaration).run(
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
