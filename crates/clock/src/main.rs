//! Fires jobs by name when they are due, and watches the processes.

use std::{process::ExitCode, sync::Arc};

use clock::{Clock, HerokuSettings, TendSettings, WatchSettings};
use platform::{local::LocalHost, place::Place, routes::Routes};

fn main() -> ExitCode {
    let schedules = clock::schedules::all();
    process::Definition::new(
        "clock",
        "Fires jobs by name when they are due, and watches the processes. Run any number of them.",
    )
    .threads(1)
    .pool_size(2)
    .role("sides_clock")
    .declares(clock::declaration(schedules.as_deref().unwrap_or_default()))
    .run(
        |environment| {
            let (watch, tend) = (WatchSettings::read(environment), TendSettings::read(environment));
            (watch, tend, HerokuSettings::read(environment))
        },
        |process, (watch, tend, heroku)| async {
            let host = LocalHost::of_this_process().map(|host| Arc::new(host) as Arc<dyn Place>);
            let mut routes = Routes::new(host);
            if let Some(heroku) = heroku {
                routes = routes.with(heroku.processes(), &heroku.place()?);
            }
            Clock::new(schedules?).watch(watch).tend(tend).routes(routes).run(process).await
        },
    )
}
