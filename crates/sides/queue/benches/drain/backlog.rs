//! Many more jobs wait behind those that are drained.

use std::time::Duration;

use crate::{
    figures::{Table, Watch},
    kinds::{Nothing, Running},
    place::Place,
};

pub(crate) async fn measure(place: &Place, jobs: u64, backlog: u64, table: &mut Table) {
    let place = place.beside("backlog").await;
    let client = place.client().await;
    let wanted = i64::try_from(backlog + jobs).unwrap();
    let there: i64 = client.query_one("SELECT count(*) FROM sides.fang_tasks", &[]).await.unwrap().get(0);
    if there < wanted {
        place.add(u64::try_from(wanted - there).unwrap(), &Nothing {}).await;
        client.batch_execute("VACUUM ANALYZE sides.fang_tasks").await.unwrap();
    }
    client.batch_execute("TRUNCATE sides.job_history; CHECKPOINT").await.unwrap();

    let watch = Watch::start(&client).await;
    let running = Running::start(&place, 1, 100);
    // Its own index says how many rows there are nearly for nothing; each job that is over has one.
    let done = "SELECT count(*) FROM sides.job_history";
    let count = loop {
        let count: i64 = client.query_one(done, &[]).await.unwrap().get(0);
        if u64::try_from(count).unwrap() >= jobs {
            break u64::try_from(count).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let figures = watch.stop(&client, count).await;
    running.stop().await;
    table.add(&format!("no-op jobs, {backlog} more behind them"), figures);
}
