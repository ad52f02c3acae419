//! `sides setup heroku`: creates what the first release needs.

use std::{collections::BTreeMap, env};

use anyhow::bail;
use clap::{Args, Subcommand};
use heroku::setup::{self, Step, Wanted};
use platform::targets::HerokuPlace;
use serde_json::json;

use deploy::places;
use terminal::Screen;
use workspace::{HEROKU_KEY, Outcome, Workspace, targets};

/// Where processes run beside this machine.
#[derive(Debug, Subcommand)]
pub(crate) enum Place {
    /// Show which apps, Postgres and variables are missing at Heroku; with --apply, create them.
    ///
    /// Can be repeated: it creates only what is missing. The token is read from HEROKU_API_KEY. ADMIN_TOKEN, if set
    /// here, becomes web's. Values are never shown.
    Heroku(SetupOptions),
}

#[derive(Debug, Args)]
pub(crate) struct SetupOptions {
    /// Create what is missing. Some of it costs money.
    #[arg(long)]
    pub(crate) apply: bool,
    /// The steps as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Taken over from the environment when they are set there: secrets have no place in a file of the repository.
const FROM_ENVIRONMENT: [&str; 1] = ["ADMIN_TOKEN"];

/// The process that restarts and scales the others.
const CLOCK: &str = "clock";

/// The variables that a clock is told where the others live with.
type Told = BTreeMap<&'static str, String>;

/// Shows what is missing, and makes it when told to.
pub(crate) async fn run(workspace: &Workspace, options: &SetupOptions) -> anyhow::Result<Outcome> {
    let targets = targets(workspace)?;
    let all = targets.heroku();
    let used: Vec<_> = all.into_iter().filter(|(_, _, apps)| !apps.is_empty()).collect();
    if used.is_empty() {
        bail!(
            "no process of this workspace is placed at Heroku: write deploy/targets.toml \
             (deploy/targets.example.toml shows how)"
        );
    }
    let client = places::client()?;
    let screen = if options.json { Screen::beside_output() } else { Screen::new() };
    let mut steps = Vec::new();
    let mut told = BTreeMap::new();
    let mut keyless = None;
    for (name, place, apps) in used {
        if let Some(app) = apps.get(CLOCK) {
            match setup::has_variable(&client, app, HEROKU_KEY).await? {
                true => told = targets.told_to_the_clock().into_iter().collect(),
                false => keyless = Some(app.clone()),
            }
        }
        let wanted = wanted(place, apps, &told);
        let missing = setup::plan(&client, &wanted).await?;
        for step in &missing {
            screen.line(&format!("{name}: {step}"));
        }
        if options.apply {
            for step in &missing {
                setup::apply(&client, &wanted, step).await?;
                screen.line(&format!("{name}: done: {step}"));
            }
        }
        steps.extend(missing);
    }
    if let Some(app) = &keyless {
        screen.line(&hint(app));
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&json!({"applied": options.apply, "steps": steps}))?);
    }
    Ok(said(&screen, &steps, options.apply))
}

fn said(screen: &Screen, steps: &[Step], applied: bool) -> Outcome {
    match (steps.is_empty(), applied) {
        (true, _) => {
            screen.line("Everything is in place.");
            Outcome::NothingToDo
        }
        (false, true) => {
            screen.line("Everything is in place; continue with `sides release`.");
            Outcome::Done
        }
        (false, false) => {
            screen.line(
                "Nothing was changed. Apply this with `sides setup heroku --apply`; some of it costs money.",
            );
            Outcome::Done
        }
    }
}

/// A key is given by a person, to the app that needs it and to no other.
fn hint(app: &str) -> String {
    format!(
        "The clock cannot restart or scale anything at Heroku, since {app} has no {HEROKU_KEY}. To allow it: \
         `heroku authorizations:create -d {app}`, `heroku config:set {HEROKU_KEY}=… -a {app}`, then run this \
         again."
    )
}

fn wanted(place: &HerokuPlace, apps: BTreeMap<String, String>, told: &Told) -> Wanted {
    let config = apps.keys().map(|process| (process.clone(), config(process, place, told))).collect();
    Wanted {
        apps,
        region: place.region.clone(),
        postgres: place.postgres.clone(),
        preboot: place.preboot,
        config,
    }
}

fn config(process: &str, place: &HerokuPlace, told: &Told) -> BTreeMap<String, String> {
    let mut config = BTreeMap::from([("DRAIN_SECONDS".to_owned(), place.drain_seconds.to_string())]);
    if process == CLOCK {
        config.extend(told.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    if process == "web" {
        // Heroku's router reaches a dyno over its network, never over loopback.
        config.insert("HOST".to_owned(), "0.0.0.0".to_owned());
        for name in FROM_ENVIRONMENT {
            if let Ok(value) = env::var(name) {
                config.insert(name.to_owned(), value);
            }
        }
    }
    config
}
