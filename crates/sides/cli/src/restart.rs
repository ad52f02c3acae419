//! `sides restart`.

use std::time::Instant;

use platform::place::Which;

use crate::{
    cli::Reason,
    control::running_host,
    display::{Screen, tell},
    outcome::{self, Outcome},
    places::Places,
    who,
    workspace::Workspace,
};

/// One process, one copy of it, or everything, one copy after the other.
pub(crate) async fn run(workspace: &Workspace, named: &str, reason: Reason) -> anyhow::Result<Outcome> {
    let (places, host) = (Places::read(workspace).await?, running_host(workspace).await?);
    let screen = Screen::new();
    let why = who::why(reason.reason, "restart");
    let targets = match (named, named.split_once('.')) {
        ("all", _) => {
            let here = match &host {
                Some(host) => host.status().await?.releases.into_keys().collect(),
                None => Vec::new(),
            };
            let mut all: Vec<String> = here.into_iter().filter(|name| places.is_local(name)).collect();
            all.extend(places.elsewhere().map(str::to_owned));
            if all.is_empty() {
                return Ok(outcome::no_host());
            }
            all.into_iter().map(|name| (name, Which::All)).collect()
        }
        (_, Some((process, _))) => vec![(process.to_owned(), Which::One(named.to_owned()))],
        (process, None) => vec![(process.to_owned(), Which::All)],
    };
    for (process, which) in targets {
        if host.is_none() && places.is_local(&process) {
            return Ok(outcome::no_host());
        }
        let begun = Instant::now();
        let what = match &which {
            Which::All => process.clone(),
            Which::One(copy) => copy.clone(),
        };
        places.place_of(&process).restart(&process, which, &why).await?;
        let text = format!("{what} was started afresh; what it was before drains");
        screen.line(&tell::done(screen.palette, &text, begun.elapsed()));
    }
    Ok(Outcome::Done)
}
