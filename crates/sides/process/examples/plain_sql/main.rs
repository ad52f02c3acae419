//! A process with a database library of its own, tokio-postgres: its manifest lists the tables that its SQL names.

mod statements;

use std::process::ExitCode;

use sides_process::{Declaration, Definition, Process};

async fn greet(process: Process, (): ()) -> anyhow::Result<()> {
    let client = database::client(&process.database).await?;
    client.execute(statements::ADD, &[&"Ada"]).await?;
    let all: i64 = client.query_one(statements::COUNT, &[]).await?.get(0);
    println!("visitors: {all}");
    process.drain.started().await;
    Ok(())
}

fn main() -> ExitCode {
    let declaration = Declaration::new().tables(statements::SCHEMA);
    Definition::new("visitors", "Counts visitors.").declares(declaration).run(|_| (), greet)
}
