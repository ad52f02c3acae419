//! From the commit to the start, when there is nothing else to do.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use sides_queue::{Context, JobError, Registry, Runner, RunnerConfig, enqueue};
use tokio_util::sync::CancellationToken;

use crate::{
    figures::{Table, percentiles},
    kinds::Nothing,
    place::Place,
};

const TIMES: usize = 500;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Look {}

impl job::Job for Look {
    const KIND: &'static str = "look";
}

type Started = Arc<Mutex<Option<Instant>>>;

async fn look(_: Look, context: Context<Started>) -> Result<(), JobError> {
    *context.state.lock().unwrap() = Some(Instant::now());
    Ok(())
}

pub(crate) async fn measure(place: &Place, table: &mut Table) {
    place.fill(0, &Nothing {}).await;
    let started = Started::default();
    let registry = Registry::new(Arc::clone(&started)).handle::<Look, _>(look);
    let drain = CancellationToken::new();
    let runner = Runner::new(place.url.clone(), registry, RunnerConfig::default());
    let running = tokio::spawn(runner.run(drain.clone(), Duration::from_secs(10)));
    let mut c = place.connect().await;
    let mut all = Vec::new();
    for round in 0..TIMES + 20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        enqueue(&mut c, &Look {}).await.unwrap();
        let committed = Instant::now();
        let at = loop {
            if let Some(at) = started.lock().unwrap().take() {
                break at;
            }
            tokio::time::sleep(Duration::from_micros(100)).await;
        };
        if round >= 20 {
            all.push(at.saturating_duration_since(committed));
        }
    }
    drain.cancel();
    running.await.unwrap().unwrap();
    table.add("idle: from commit to start", percentiles(all));
}
