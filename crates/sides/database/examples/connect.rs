//! Tries an address in each way in which a process connects: `cargo run -p sides-database --example connect -- ADDRESS`.
//!
//! Without an argument, the address is `DATABASE_URL`. A line for each way says whether the session is encrypted, or
//! what is wrong.

use std::process::ExitCode;

use diesel::{QueryableByName, sql_types::Bool};
use diesel_async::RunQueryDsl as _;
use sides_database::{DatabaseUrl, client, connect, pool};

const IS_ENCRYPTED: &str = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Bool)]
    ssl: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let address = std::env::args().nth(1).or_else(|| std::env::var("DATABASE_URL").ok()).unwrap_or_default();
    let url = match address.parse::<DatabaseUrl>() {
        Ok(url) => url,
        Err(error) => {
            println!("the address {error}");
            return ExitCode::FAILURE;
        }
    };
    let answers =
        [("client", by_client(&url).await), ("diesel", by_diesel(&url).await), ("pool", by_pool(&url).await)];
    for (way, answer) in &answers {
        match answer {
            Ok(true) => println!("{way}: encrypted"),
            Ok(false) => println!("{way}: plain"),
            Err(error) => println!("{way}: {error:#}"),
        }
    }
    if answers.iter().all(|(_, answer)| answer.is_ok()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn by_client(url: &DatabaseUrl) -> anyhow::Result<bool> {
    Ok(client(url).await?.query_one(IS_ENCRYPTED, &[]).await?.get(0))
}

async fn by_diesel(url: &DatabaseUrl) -> anyhow::Result<bool> {
    let mut connection = connect(url).await?;
    Ok(diesel::sql_query(IS_ENCRYPTED).get_result::<Row>(&mut connection).await?.ssl)
}

async fn by_pool(url: &DatabaseUrl) -> anyhow::Result<bool> {
    let pool = pool(url, 1);
    let mut connection = pool.get().await?;
    Ok(diesel::sql_query(IS_ENCRYPTED).get_result::<Row>(&mut **connection).await?.ssl)
}
