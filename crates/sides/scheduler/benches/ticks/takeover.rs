//! How late the ticks are that follow the death or the stop of one of two schedulers.

use diesel::{QueryableByName, sql_types::BigInt};
use diesel_async::RunQueryDsl as _;
use nix::sys::signal::Signal;

use crate::scene::{Scene, pass};

const ROUNDS: usize = 10;

#[derive(QueryableByName)]
struct Worst {
    #[diesel(sql_type = BigInt)]
    us: i64,
}

pub(crate) async fn run(scene: &mut Scene) -> String {
    let (killed, stopped) = (rounds(scene, Signal::SIGKILL).await, rounds(scene, Signal::SIGSTOP).await);
    format!(
        "the worst lateness of a tick within 3 s after one of two schedulers was killed: {killed} ms, \
         stopped: {stopped} ms ({ROUNDS} times each, 20 ticks a second)"
    )
}

async fn rounds(scene: &mut Scene, signal: Signal) -> i64 {
    scene.clear().await;
    scene.store(1, |_| "every 50 ms".to_owned()).await;
    let _stays = scene.scheduler().await;
    let mut worst = 0;
    for round in 0..ROUNDS {
        let goes = scene.scheduler().await;
        pass(1.0).await;
        let from = scene.now().await;
        goes.signal(signal);
        // Not always at the same distance from a tick.
        pass(3.0 + 0.007 * f64::from(u8::try_from(round).unwrap_or(0))).await;
        let query = "SELECT coalesce(max((extract(epoch FROM pg_xact_commit_timestamp(xmin) - due_at) * 1000000)::bigint), 0) AS us
            FROM sides.ticks WHERE schedule = 'bench1' AND due_at > $1";
        let query = diesel::sql_query(query).bind::<diesel::sql_types::Timestamptz, _>(from);
        let row: Worst = query.get_result(&mut scene.connection).await.expect("it answers");
        worst = worst.max(row.us);
    }
    worst / 1000
}
