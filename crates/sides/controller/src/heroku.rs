//! The processes at Heroku, from the clock's own environment: wherever the clock runs, it needs no file.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context as _;
use heroku::{Client, Heroku, Settings, Token};
use platform::{apps, place::Place};
use process::{Environment, Secret};

const KEY: &str = "HEROKU_API_KEY";
const APPS: &str = "HEROKU_APPS";
const MOST: &str = "HEROKU_MOST_DYNOS";
const API: &str = "HEROKU_API_URL";

/// How long dynos are waited for after an order; other processes wait their turn meanwhile.
const PATIENCE: Duration = Duration::from_secs(120);

/// Read from the environment.
#[derive(Debug, Clone)]
pub struct HerokuSettings {
    key: Secret,
    apps: BTreeMap<String, String>,
    most_dynos: u32,
    api: String,
}

impl HerokuSettings {
    /// Reads the variables; `None` where nothing lives at Heroku. Faults stay in the environment.
    pub fn read(environment: &mut Environment) -> Option<Self> {
        let line = environment.text(APPS, "");
        environment
            .about(APPS, "the apps that it restarts and scales at Heroku: worker=acme-worker, web=acme-web");
        let key = environment.secret(KEY);
        environment.about(KEY, "the API key for that; `heroku authorizations:create` creates one");
        let most_dynos = environment.number(MOST, 100, 1..=1_000);
        environment.about(MOST, "the most dynos of one process that the plan allows; 1 below Standard");
        let api = environment.text(API, Client::API);
        environment.about(API, "another address of Heroku's API");
        let apps = match apps::read(&line) {
            Ok(apps) => apps,
            Err(error) => {
                environment.fault(APPS, error);
                return None;
            }
        };
        // A key alone belongs to the person who releases from here.
        let first = apps.keys().next()?.clone();
        if !is_private(&api) {
            environment.fault(API, "would not keep the key secret: give an https address");
        }
        let Some(key) = key else {
            environment.fault(
                KEY,
                format!(
                    "is not set, and {APPS} names {first}: create a key with `heroku authorizations:create` and \
                     set it, or unset {APPS}"
                ),
            );
            return None;
        };
        if !key.expose().chars().all(|c| c.is_ascii_graphic()) {
            environment.fault(KEY, "is not a key: it contains blanks or invalid characters");
            return None;
        }
        Some(Self { key, apps, most_dynos, api })
    }

    /// The processes that live there.
    pub fn processes(&self) -> impl Iterator<Item = String> {
        self.apps.keys().cloned()
    }

    /// The way there. Nothing is asked yet.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn place(&self) -> anyhow::Result<Arc<dyn Place>> {
        // Only fails when one is installed already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().build().context("cannot create an HTTP client")?;
        let client = Client::new(&self.api, Token::new(self.key.expose()), http);
        let settings = Settings {
            apps: self.apps.clone(),
            most_instances: self.most_dynos,
            patience: PATIENCE,
            ..Settings::default()
        };
        Ok(Arc::new(Heroku::new("Heroku", client, settings)))
    }
}

/// Whether nobody on the way reads along.
fn is_private(address: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(address) else { return false };
    let is_here = url.host_str().is_some_and(|host| ["127.0.0.1", "[::1]", "localhost"].contains(&host));
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (Option<HerokuSettings>, Vec<String>) {
        let mut environment: Environment = pairs.iter().copied().collect();
        let settings = HerokuSettings::read(&mut environment);
        (settings, environment.faults().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn both_are_needed_and_a_key_alone_is_somebody_elses() {
        let (settings, faults) = read(&[(APPS, "worker=acme-worker"), (KEY, "HRKU-s3cret")]);
        let settings = settings.unwrap();
        assert_eq!((settings.processes().collect::<Vec<_>>(), faults), (vec!["worker".to_owned()], vec![]));
        assert!(!format!("{settings:?}").contains("s3cret"));
        for alone in [&[][..], &[(KEY, "HRKU-s3cret")]] {
            let (settings, faults) = read(alone);
            assert!(settings.is_none() && faults.is_empty(), "{faults:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_the_key_is_not_shown() {
        for (pairs, said) in [
            (&[(APPS, "worker=acme-worker")][..], "HEROKU_API_KEY is not set, and HEROKU_APPS names worker"),
            (&[(APPS, "worker"), (KEY, "s3cret")], "HEROKU_APPS \"worker\" names no app"),
            (&[(APPS, "worker=acme-worker"), (KEY, "s3 cret")], "HEROKU_API_KEY is not a key"),
            (
                &[(APPS, "worker=acme-worker"), (KEY, "s3cret"), (API, "http://example.com")],
                "HEROKU_API_URL would not keep the key secret",
            ),
            (&[(MOST, "0")], "HEROKU_MOST_DYNOS is \"0\""),
        ] {
            let (_, faults) = read(pairs);
            assert!(faults.len() == 1 && faults[0].starts_with(said), "{faults:?}, not {said:?}");
            assert!(!faults[0].contains("s3"), "{faults:?}");
        }
    }
}
