//! What waits, runs and has failed, by kind: for people.

use database::Connection;
use diesel::QueryResult;
use schema::jobs::kinds;

pub use schema::jobs::seen::Kind as KindOverview;

/// The queue by kind, at a cost that does not grow with how many jobs wait: from some 25,000 on, how many are ready and
/// scheduled is an estimate, give or take a tenth ([`KindOverview::estimated`]). Those that run, were given up or parked are
/// counted, up to 10,000 each.
///
/// # Errors
/// When the database is unavailable.
pub async fn overview(connection: &mut Connection) -> QueryResult<Vec<KindOverview>> {
    kinds::kinds(connection).await
}

/// How many jobs stand how, of all kinds together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Due, and waiting for a worker.
    pub ready: i64,
    /// Not due yet.
    pub scheduled: i64,
    /// In flight.
    pub running: i64,
    /// Given up.
    pub failed: i64,
    /// Set aside, since no build could read them.
    pub parked: i64,
    /// `ready` and `scheduled` are estimates.
    pub estimated: bool,
}

/// How deep the queue is: the sums of [`overview`], at its cost.
///
/// # Errors
/// When the database is unavailable.
pub async fn depth(connection: &mut Connection) -> QueryResult<Depth> {
    let kinds = overview(connection).await?;
    let sum = |of: fn(&KindOverview) -> i64| kinds.iter().map(of).sum();
    Ok(Depth {
        ready: sum(|kind| kind.ready),
        scheduled: sum(|kind| kind.scheduled),
        running: sum(|kind| kind.running),
        failed: sum(|kind| kind.failed),
        parked: sum(|kind| kind.parked),
        estimated: kinds.iter().any(|kind| kind.estimated),
    })
}
