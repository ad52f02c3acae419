//! One release of all three after the other.

use std::time::{Duration, Instant};

use crate::{Arguments, PROCESSES, bed::Bed, tally::Tally, tell};

pub(crate) async fn run(bed: &mut Bed, arguments: &Arguments) -> anyhow::Result<()> {
    let (begun, prober) = (Instant::now(), bed.prober(arguments).await?);
    let mut tally = Tally::default();
    while tally.releases < arguments.releases && begun.elapsed() < Duration::from_secs(arguments.seconds) {
        for process in PROCESSES {
            let took = bed.release(process).await?.as_secs_f64();
            tally.seconds.entry(process.to_owned()).or_default().push(took);
        }
        tally.releases += 1;
        bed.prune(3)?;
    }
    bed.until_alone().await?;
    let seen = prober.end().await;
    tell(&format!("{} releases of all three", tally.releases), &seen);
    tally.see(&seen);
    tally.count(&bed.url).await?;
    if let Some(file) = &arguments.tally {
        tally = tally.added_to(file)?;
    }
    println!("{tally}");
    Ok(())
}
