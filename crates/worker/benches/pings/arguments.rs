//! What can be varied.

use std::{fmt, time::Duration};

use clap::Parser;

/// Pings local HTTP servers with the real programs, and prints what that costs.
#[derive(Debug, Clone, Parser)]
pub(crate) struct Arguments {
    /// How many services answer.
    #[arg(long, default_value_t = 1000, env = "PINGS_SERVICES")]
    pub(crate) services: u32,
    /// How many more never do, and cost their timeout of 10 s each time.
    #[arg(long, default_value_t = 0, env = "PINGS_DEAD")]
    pub(crate) dead: u32,
    /// Seconds between two pings of a service.
    #[arg(long, default_value_t = 10, env = "PINGS_INTERVAL", value_parser = clap::value_parser!(u32).range(5..))]
    pub(crate) interval: u32,
    /// How many HTTP servers the services are spread over.
    #[arg(long, default_value_t = 20, env = "PINGS_SERVERS", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) servers: u16,
    /// Seconds that are measured.
    #[arg(long, default_value_t = 60, env = "PINGS_SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seconds: u32,
    /// Seconds before that without any services, to see what an idle process holds.
    #[arg(long, default_value_t = 15)]
    pub(crate) idle: u32,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    pub(crate) fn measured(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    pub(crate) fn idle(&self) -> Duration {
        Duration::from_secs(self.idle.into())
    }

    /// Services that were added together have drifted apart by their second ping, one and a half intervals on.
    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs(self.interval.into()) * 2
    }

    /// Pings per second that are due.
    pub(crate) fn wanted(&self) -> f64 {
        f64::from(self.services + self.dead) / f64::from(self.interval)
    }
}

impl fmt::Display for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { services, dead, interval, servers, seconds, .. } = self;
        write!(f, "{services} services every {interval} s on {servers} servers, ")?;
        if *dead > 0 {
            write!(f, "{dead} more that never answer, ")?;
        }
        let cores = std::thread::available_parallelism().map_or(0, Into::into);
        write!(f, "{seconds} s measured, everything on {cores} cores")
    }
}
