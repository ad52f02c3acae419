//! `hold own|shared FOLDER`: uses a cluster until its standard input ends. Tests kill it in every way.

use std::{io::Read as _, path::Path, time::Duration};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [how, folder] = &arguments[..] else { return Err("usage: hold own|shared FOLDER".into()) };
    if how == "own" {
        let settings = sides_postgres::Settings { durable: false, ..sides_postgres::Settings::default() };
        let opened = sides_postgres::Cluster::open(folder, settings).await?;
        say_and_wait(opened.url())?;
        if let sides_postgres::Opened::Started(cluster) = opened {
            cluster.stop().await;
        }
    } else {
        let share = sides_postgres::shared_with_grace(Path::new(folder), Duration::from_secs(1))?;
        say_and_wait(share.url())?;
    }
    Ok(())
}

fn say_and_wait(url: &str) -> std::io::Result<()> {
    println!("{url}");
    std::io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
