//! Nothing that is deleted can be vacuumed, nor its entries in an index be skipped.

use tokio_postgres::IsolationLevel;

use crate::{draining::drain, figures::Table, kinds::Nothing, place::Place};

pub(crate) async fn measure(place: &Place, jobs: u64, table: &mut Table) {
    place.fill(jobs, &Nothing {}).await;
    let mut holder = place.client().await;
    let snapshot =
        holder.build_transaction().isolation_level(IsolationLevel::RepeatableRead).start().await.unwrap();
    snapshot.query_one("SELECT count(*) FROM sides.fang_tasks", &[]).await.unwrap();
    table.add("no-op jobs, a long snapshot stops vacuum", drain(place, jobs, 1, 100).await);
    snapshot.rollback().await.unwrap();
}
