//! Checks of the workspace: Procfiles, ports, settings by name.

use std::{env, net::TcpListener};

use platform::procfile;

use super::finding::Finding;
use workspace::Workspace;

/// What the page and the processes listen on, unless told otherwise.
const PORTS: std::ops::RangeInclusive<u16> = 3000..=3003;
/// Fewer characters can be guessed.
const SHORTEST_TOKEN: usize = 16;

pub(super) fn look(workspace: &Workspace) -> Vec<Finding> {
    vec![procfiles(workspace), ports(), token(workspace), settings()]
}

fn procfiles(workspace: &Workspace) -> Finding {
    const TOPIC: &str = "Procfiles";
    match procfile::discover(workspace.root()) {
        Ok(found) => {
            let names: Vec<&str> = found.iter().map(|procfile| procfile.name.as_str()).collect();
            Finding::good(TOPIC, format!("{} in {}", names.join(", "), workspace.root().display()))
        }
        Err(error) => Finding::fault(TOPIC, error.to_string(), "one file per process, such as `web: web`"),
    }
}

fn ports() -> Finding {
    let taken: Vec<String> = PORTS
        .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_err())
        .map(|port| port.to_string())
        .collect();
    if taken.is_empty() {
        let (first, last) = (PORTS.start(), PORTS.end());
        return Finding::good("ports", format!("{first} to {last} are free on 127.0.0.1"));
    }
    let text = format!("{} in use on 127.0.0.1", taken.join(", "));
    let advice =
        "fine if that is sides itself (`sides ps`); otherwise choose another port: `sides dev --port N`";
    Finding::notice("ports", text, advice)
}

fn token(workspace: &Workspace) -> Finding {
    const TOPIC: &str = "ADMIN_TOKEN";
    match env::var("ADMIN_TOKEN") {
        Ok(token) if token.trim().len() < SHORTEST_TOKEN => Finding::fault(
            TOPIC,
            format!("shorter than {SHORTEST_TOKEN} characters: web will not start"),
            "create one: openssl rand -hex 24",
        ),
        Ok(_) => Finding::good(TOPIC, "set"),
        Err(_) if workspace.admin_token_file().exists() => {
            Finding::good(TOPIC, "not set; `sides dev` uses the one in .sides/admin_token")
        }
        Err(_) => Finding::notice(
            TOPIC,
            "not set: nobody can sign in, except under `sides dev`, which creates one",
            "for a release, set one in the environment: openssl rand -hex 24",
        ),
    }
}

/// Which variables are set, by name alone.
fn settings() -> Finding {
    const KNOWN: [&str; 14] = [
        "DATABASE_URL",
        "DATABASE_DIRECT_URL",
        "HOST",
        "PORT",
        "OPS_PORT",
        "LOG",
        "DRAIN_SECONDS",
        "SCALE",
        "RECYCLE",
        "SIDES_HOST",
        "SIDES_POSTGRES_BIN",
        "SIDES_NO_INSTALL",
        "HEROKU_API_KEY",
        "HEROKU_APPS",
    ];
    let set: Vec<&str> = KNOWN.into_iter().filter(|name| env::var_os(name).is_some()).collect();
    let text = if set.is_empty() { "none of the usual variables is set".to_owned() } else { set.join(", ") };
    Finding::good("environment (names only)", text)
}
