//! A process that naps: the smallest use of the chassis, and what its tests run.

use std::{net::IpAddr, process::ExitCode, time::Duration};

use sides_process::{Environment, Process, Secret};

struct Config {
    host: IpAddr,
    port: u16,
    nap: Duration,
    nightmare: bool,
    _token: Option<Secret>,
}

impl Config {
    fn read(environment: &mut Environment) -> Self {
        let config = Self {
            host: environment.parsed("HOST", IpAddr::from([127, 0, 0, 1])),
            port: environment.number("PORT", 0, 0..=65535),
            nap: environment.seconds("NAP_SECONDS", 0, 0..=3600),
            nightmare: environment.flag("NIGHTMARE", false),
            _token: environment.secret("NAP_TOKEN"),
        };
        environment.about("NAP_SECONDS", "how long it naps after it was told to stop");
        environment.about("NIGHTMARE", "whether the nap ends in a panic before that");
        config
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the nap was disturbed")]
struct Disturbed(#[source] std::io::Error);

async fn run(process: Process, config: Config) -> anyhow::Result<()> {
    let listener = sides_process::listen::public(config.host, config.port)?;
    process.set_public_address(listener.local_addr()?.to_string());
    let (drain, nightmare) = (process.drain.clone(), config.nightmare);
    process.spawn_loop("dream", async move {
        if nightmare {
            return Err(Disturbed(std::io::Error::other("the dog barks")).into());
        }
        drain.started().await;
        Ok(())
    });
    process.drain.started().await;
    tokio::time::sleep(config.nap).await;
    Ok(())
}

fn main() -> ExitCode {
    sides_process::Definition::new("napper", "Naps until it is told to stop.")
        .ops_port(3099)
        .threads(1)
        .run(Config::read, run)
}
