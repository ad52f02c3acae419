//! `sides setup heroku`: creates what the first release needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
};

use anyhow::bail;
use clap::{Args, Subcommand};
use heroku::setup::{self, Step, Wanted};
use planner::Role;
use platform::{
    procfile,
    targets::{HerokuPlace, MIGRATE},
};
use serde_json::json;

use deploy::places;
use terminal::Screen;
use workspace::{HEROKU_KEY, Outcome, Workspace, releases::Store, targets};

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

/// What a controller is told of where the others live, as variables.
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
    let told: Told = targets.told_to_the_controller().into_iter().collect();
    let (mut keyless, mut has_key) = (BTreeMap::new(), false);
    for (name, place, apps) in used {
        // A person gave a key to whoever may restart and scale the others.
        let mut controllers = BTreeSet::new();
        for (process, app) in apps.iter().filter(|(process, _)| *process != MIGRATE) {
            if setup::has_variable(&client, app, HEROKU_KEY).await? {
                controllers.insert(process.clone());
            } else {
                keyless.insert(process.clone(), app.clone());
            }
        }
        has_key |= !controllers.is_empty();
        let wanted = wanted(place, apps, &controllers, &told);
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
    if !has_key && let Some(hint) = hint(workspace, &keyless) {
        screen.line(&hint);
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

/// A key is given by a person, to the app of the process that looks after the others and to no other. Which one that is say
/// the kept builds; before there are any, it may be each but the one that Procfiles take to listen. Nothing where it does not
/// run at Heroku, or may not.
fn hint(workspace: &Workspace, apps: &BTreeMap<String, String>) -> Option<String> {
    let store = Store::existing(workspace);
    let fires = |process: &str| {
        store.iter().any(|store| {
            let kept = store.starting_with(process, "");
            kept.iter().any(|digest| store.has_role(process, digest, Role::Fires))
        })
    };
    let known: Vec<String> =
        procfile::discover(workspace.root()).ok()?.into_iter().map(|one| one.name).collect();
    let is_known = known.iter().any(|process| fires(process));
    let may_be_it = |process: &&String| if is_known { fires(process) } else { *process != procfile::WEB };
    let apps: Option<Vec<&str>> =
        known.iter().filter(may_be_it).map(|process| apps.get(process).map(String::as_str)).collect();
    let apps = apps?;
    let (one, of) = match apps[..] {
        [] => return None,
        [app] => (app, String::new()),
        _ => ("APP", format!(", where APP is the one of {} whose process fires schedules", apps.join(", "))),
    };
    Some(format!(
        "Nothing can restart or scale processes at Heroku: no app there has a {HEROKU_KEY}. To allow it: \
         `heroku authorizations:create -d {one}`, `heroku config:set {HEROKU_KEY}=… -a {one}`{of}; then run this again."
    ))
}

fn wanted(
    place: &HerokuPlace,
    apps: BTreeMap<String, String>,
    controllers: &BTreeSet<String>,
    told: &Told,
) -> Wanted {
    let of = |process: &String| config(process, place, told, controllers.contains(process));
    let config = apps.keys().map(|process| (process.clone(), of(process))).collect();
    Wanted {
        apps,
        region: place.region.clone(),
        postgres: place.postgres.clone(),
        preboot: place.preboot,
        config,
    }
}

fn config(process: &str, place: &HerokuPlace, told: &Told, is_controller: bool) -> BTreeMap<String, String> {
    let mut config = BTreeMap::from([("DRAIN_SECONDS".to_owned(), place.drain_seconds.to_string())]);
    if is_controller {
        config.extend(told.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    if process == procfile::WEB {
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
