//! What Postgres itself can do: the runner's own statements in a bare loop, nothing decoded, nothing run.

use tokio_postgres::types::{Timestamp, ToSql};
use uuid::Uuid;

use crate::{
    figures::{Table, Watch},
    kinds::Nothing,
    place::Place,
};

const BATCH: i64 = 2500;

pub(crate) async fn measure(place: &Place, jobs: u64, table: &mut Table) {
    for connections in [1, 2] {
        place.fill(jobs, &Nothing {}).await;
        let client = place.client().await;
        let watch = Watch::start(&client).await;
        let loops: Vec<_> = (0..connections)
            .map(|_| {
                let url = place.url.clone();
                tokio::spawn(async move { drain(&url).await })
            })
            .collect();
        let mut drained = 0;
        for one in loops {
            drained += one.await.unwrap();
        }
        assert_eq!(drained, jobs);
        let figures = watch.stop(&client, jobs).await;
        table.add(&format!("SQL ceiling, {connections} connection(s)"), figures);
    }
}

async fn drain(url: &database::DatabaseUrl) -> u64 {
    let client = database::client(url).await.unwrap();
    for (name, value) in sides_queue::bench::SETTINGS {
        client.batch_execute(&format!("SET {name} = {value}")).await.unwrap();
    }
    let claim = client.prepare(sides_queue::bench::CLAIM).await.unwrap();
    let onward = client.prepare(sides_queue::bench::CLAIM_PARTS).await.unwrap();
    let finish = client.prepare(sides_queue::bench::FINISH).await.unwrap();
    let (owner, kinds) = (Uuid::now_v7(), vec!["nothing"]);
    let mut position: Option<(i16, chrono::DateTime<chrono::Utc>, Uuid)> = None;
    let mut drained = 0;
    loop {
        let rows = match &position {
            None => client.query(&claim, &[&kinds, &BATCH, &owner]).await.unwrap(),
            Some((priority, at, id)) => {
                let (priority, at, id) = (vec![i32::from(*priority)], vec![*at], vec![*id]);
                let until = vec![Timestamp::<chrono::DateTime<chrono::Utc>>::PosInfinity];
                let parameters: [&(dyn ToSql + Sync); 8] =
                    [&kinds, &BATCH, &priority, &priority, &at, &id, &until, &owner];
                client.query(&onward, &parameters).await.unwrap()
            }
        };
        if rows.is_empty() {
            if position.take().is_none() {
                return drained;
            }
            continue;
        }
        position = rows.iter().map(|row| (row.get(6), row.get(7), row.get(0))).max();
        let ids: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
        let leases: Vec<i32> = rows.iter().map(|row| row.get(1)).collect();
        let durations = vec![1_i64; ids.len()];
        drained += client.execute(&finish, &[&owner, &ids, &leases, &durations, &"bench"]).await.unwrap();
    }
}
