//! Into the queue.

use diesel_async::AsyncConnection as _;
use sides_queue::{EnqueueError, enqueue, enqueue_all};

use crate::{
    figures::{Table, Watch},
    kinds::Nothing,
    place::Place,
};

const SINGLE: u64 = 2_000;
const BULK: u64 = 100_000;

pub(crate) async fn measure(place: &Place, table: &mut Table) {
    place.fill(0, &Nothing {}).await;
    let client = place.client().await;
    let mut c = place.connect().await;
    let watch = Watch::start(&client).await;
    for _ in 0..SINGLE {
        enqueue(&mut c, &Nothing {}).await.unwrap();
    }
    table.add("enqueue, each in its own transaction", watch.stop(&client, SINGLE).await);

    let watch = Watch::start(&client).await;
    c.transaction(async |c| {
        for _ in 0..SINGLE {
            enqueue(c, &Nothing {}).await?;
        }
        Ok::<_, EnqueueError>(())
    })
    .await
    .unwrap();
    table.add("enqueue, one by one in one transaction", watch.stop(&client, SINGLE).await);

    let jobs = vec![Nothing {}; 10_000];
    let watch = Watch::start(&client).await;
    for _ in 0..BULK / 10_000 {
        enqueue_all(&mut c, &jobs).await.unwrap();
    }
    table.add("enqueue, 10000 in a statement", watch.stop(&client, BULK).await);
}
