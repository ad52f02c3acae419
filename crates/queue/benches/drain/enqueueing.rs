//! Into the queue.

use std::time::Instant;

use diesel_async::AsyncConnection as _;
use queue::{EnqueueError, enqueue, enqueue_all};

use crate::{figures::Table, place::Place, running::Nothing};

const SINGLE: u64 = 2_000;
const BULK: u64 = 100_000;

pub(crate) async fn measure(place: &Place, table: &mut Table) {
    place.fill(0, "nothing").await;
    let mut c = place.connect().await;
    let began = Instant::now();
    for _ in 0..SINGLE {
        enqueue(&mut c, &Nothing {}).await.unwrap();
    }
    table.rate("enqueue, each in its own transaction", SINGLE, began.elapsed());

    let began = Instant::now();
    c.transaction(async |c| {
        for _ in 0..SINGLE {
            enqueue(c, &Nothing {}).await?;
        }
        Ok::<_, EnqueueError>(())
    })
    .await
    .unwrap();
    table.rate("enqueue, one by one in one transaction", SINGLE, began.elapsed());

    let jobs = vec![Nothing {}; 10_000];
    let began = Instant::now();
    for _ in 0..BULK / 10_000 {
        enqueue_all(&mut c, &jobs).await.unwrap();
    }
    table.rate("enqueue, 10000 in a statement", BULK, began.elapsed());
}
