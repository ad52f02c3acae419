//! `sides status`.

use crate::{
    control::Client,
    display::{Palette, tell},
    outcome::Outcome,
    workspace::Workspace,
};

pub(crate) async fn run(workspace: &Workspace, json: bool) -> anyhow::Result<Outcome> {
    let Some(client) = Client::connect(workspace).await? else {
        if json {
            println!("{}", serde_json::json!({ "phase": "not_running" }));
        } else {
            println!("no dev runs in {}; start it with: cargo run -- dev", workspace.root().display());
        }
        return Ok(Outcome::NotRunning);
    };
    let status = client.status().await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&status)?);
    } else {
        println!("{}", tell::whole_status(&status, Palette::for_stdout()));
    }
    Ok(if status.all_answer() { Outcome::Done } else { Outcome::NotAnswering })
}
