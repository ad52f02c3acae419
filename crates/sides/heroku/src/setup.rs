//! What Heroku needs before the first release, and what of it is missing.

use std::collections::BTreeMap;

use platform::procfile;
use serde::Serialize;
use serde_json::json;

use crate::{
    ApiError, Client,
    answers::{Addon, App, Attachment, Config, Feature},
};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The app of each process.
    pub apps: BTreeMap<String, String>,
    /// `eu` or `us`.
    pub region: String,
    /// The plan of the Postgres that they share, such as `heroku-postgresql:essential-0`.
    pub postgres: String,
    /// Whether old web dynos go on until new ones serve. Needs a plan that has it.
    pub preboot: bool,
    /// Variables of every app, by process.
    pub config: BTreeMap<String, BTreeMap<String, String>>,
}

/// One thing that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Step {
    /// Make an app.
    CreateApp {
        /// Its name.
        app: String,
        /// Where.
        region: String,
    },
    /// Make the Postgres.
    CreatePostgres {
        /// The app that owns it.
        app: String,
        /// How big.
        plan: String,
    },
    /// Let another app use it.
    AttachPostgres {
        /// The app that shall.
        app: String,
        /// The app that owns it.
        owner: String,
    },
    /// Set variables: all that differ in one call, as each call starts the dynos afresh.
    SetConfig {
        /// The app.
        app: String,
        /// Their names. Values may be secrets and are not shown.
        variables: Vec<String>,
    },
    /// Turn preboot on.
    EnablePreboot {
        /// The app.
        app: String,
    },
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CreateApp { app, region } => write!(f, "create the app {app} in {region}"),
            Self::CreatePostgres { app, plan } => write!(f, "create a Postgres ({plan}) owned by {app}"),
            Self::AttachPostgres { app, owner } => write!(f, "let {app} use {owner}'s Postgres"),
            Self::SetConfig { app, variables } => write!(f, "set {} of {app}", variables.join(", ")),
            Self::EnablePreboot { app } => write!(f, "turn on preboot for {app}"),
        }
    }
}

/// Compares what is wanted with what is there.
///
/// # Errors
/// When Heroku does not answer or the token may not look.
pub async fn plan(client: &Client, wanted: &Wanted) -> Result<Vec<Step>, ApiError> {
    let mut steps = Vec::new();
    let mut owner: Option<String> = None;
    let mut attached = Vec::new();
    let mut exist = Vec::new();
    for app in wanted.apps.values() {
        let found: Result<App, _> = client.get(&format!("/apps/{app}")).await;
        match found {
            Ok(_) => exist.push(app.clone()),
            Err(error) if error.is_not_found() => {
                steps.push(Step::CreateApp { app: app.clone(), region: wanted.region.clone() });
                continue;
            }
            Err(error) => return Err(error),
        }
        let attachments: Vec<Attachment> = client.get(&format!("/apps/{app}/addon-attachments")).await?;
        if let Some(database) = attachments.into_iter().find(|one| one.name == "DATABASE") {
            attached.push(app.clone());
            owner.get_or_insert(database.addon.app.name);
        }
    }
    let first = wanted.apps.get(procfile::WEB).or_else(|| wanted.apps.values().next());
    let owning = match (owner, first) {
        (Some(owner), _) => owner,
        (None, Some(first)) => {
            steps.push(Step::CreatePostgres { app: first.clone(), plan: wanted.postgres.clone() });
            first.clone()
        }
        (None, None) => return Ok(steps),
    };
    for (process, app) in &wanted.apps {
        if *app != owning && !attached.contains(app) {
            steps.push(Step::AttachPostgres { app: app.clone(), owner: owning.clone() });
        }
        let exists = exist.contains(app);
        let now: Config =
            if exists { client.get(&format!("/apps/{app}/config-vars")).await? } else { Config::new() };
        let config = wanted.config.get(process).cloned().unwrap_or_default();
        let differ = config.into_iter().filter(|(name, value)| now.get(name) != Some(value));
        let variables: Vec<String> = differ.map(|(name, _)| name).collect();
        if !variables.is_empty() {
            steps.push(Step::SetConfig { app: app.clone(), variables });
        }
        if wanted.preboot && process == procfile::WEB {
            let path = format!("/apps/{app}/features/preboot");
            let is_on = exists && client.get::<Feature>(&path).await?.enabled;
            if !is_on {
                steps.push(Step::EnablePreboot { app: app.clone() });
            }
        }
    }
    Ok(steps)
}

/// Whether an app is there and has this variable. Its value is nobody's business.
///
/// # Errors
/// When Heroku does not answer or the token may not look.
pub async fn has_variable(client: &Client, app: &str, name: &str) -> Result<bool, ApiError> {
    match client.get::<Config>(&format!("/apps/{app}/config-vars")).await {
        Ok(config) => Ok(config.get(name).is_some_and(|value| !value.is_empty())),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Takes one step. Taken again, it changes nothing.
///
/// # Errors
/// When Heroku refuses or does not answer.
pub async fn apply(client: &Client, wanted: &Wanted, step: &Step) -> Result<(), ApiError> {
    match step {
        Step::CreateApp { app, region } => {
            let body = json!({"name": app, "region": region});
            let made: Result<App, _> = client.post("/apps", &body).await;
            match made {
                // The answer was lost, and the app is there.
                Err(error) if error.is_lost() => client.get::<App>(&format!("/apps/{app}")).await.map(drop),
                made => made.map(drop),
            }
        }
        Step::CreatePostgres { app, plan } => {
            let body = json!({"plan": plan});
            let made: Result<Addon, _> = client.post(&format!("/apps/{app}/addons"), &body).await;
            match made {
                Err(error) if error.is_lost() => match postgres_of(client, app).await? {
                    Some(_) => Ok(()),
                    None => Err(error),
                },
                made => made.map(drop),
            }
        }
        Step::AttachPostgres { app, owner } => {
            let addon = postgres_of(client, owner).await?.ok_or_else(|| ApiError::Lost {
                what: format!("GET /apps/{owner}/addons"),
                reason: "its Postgres is gone".to_owned(),
            })?;
            let body = json!({"addon": addon, "app": app, "name": "DATABASE"});
            client.post::<Attachment>("/addon-attachments", &body).await.map(drop)
        }
        Step::SetConfig { app, variables } => {
            let process = wanted.apps.iter().find(|(_, one)| *one == app).map(|(process, _)| process);
            let config = process.and_then(|process| wanted.config.get(process)).cloned().unwrap_or_default();
            let set: BTreeMap<_, _> =
                config.into_iter().filter(|(name, _)| variables.contains(name)).collect();
            client.patch::<Config>(&format!("/apps/{app}/config-vars"), &json!(set)).await.map(drop)
        }
        Step::EnablePreboot { app } => {
            let path = format!("/apps/{app}/features/preboot");
            client.patch::<Feature>(&path, &json!({"enabled": true})).await.map(drop)
        }
    }
}

async fn postgres_of(client: &Client, app: &str) -> Result<Option<String>, ApiError> {
    let addons: Vec<Addon> = client.get(&format!("/apps/{app}/addons")).await?;
    let postgres = addons.into_iter().find(|addon| addon.plan.name.starts_with("heroku-postgresql"));
    Ok(postgres.map(|addon| addon.name))
}
