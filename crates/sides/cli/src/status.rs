//! `sides status`: the running `dev` or host, or else the instances known to the database of `DATABASE_URL`.

use clap::Args;
use serde_json::json;

use host::describe;
use terminal::Palette;
use workspace::{Outcome, Workspace, control, instances, named_database};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<Outcome> {
    let json = options.json;
    if let Some(status) = control::status(workspace).await? {
        if json {
            println!("{}", serde_json::to_string_pretty(&status)?);
        } else {
            println!("{}", describe::whole_status(&status, Palette::for_stdout()));
        }
        return Ok(if status.all_answer() { Outcome::Done } else { Outcome::NotAnswering });
    }
    let alive = match named_database()? {
        Some(url) => instances::alive(&url).await?,
        None => Vec::new(),
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&json!({ "phase": "not_running", "instances": alive }))?);
    } else {
        println!("nothing is running in {}; start with: cargo run -- dev", workspace.root().display());
        for instance in &alive {
            println!("  {}", describe::instance(instance, Palette::for_stdout()));
        }
    }
    Ok(match alive.iter().all(instances::Instance::is_ready) {
        _ if alive.is_empty() => Outcome::NotRunning,
        true => Outcome::Done,
        false => Outcome::NotAnswering,
    })
}
