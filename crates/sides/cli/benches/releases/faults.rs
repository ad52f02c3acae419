//! What can go wrong, each under the same requests.

use std::time::Duration;

use anyhow::ensure;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    Arguments,
    bed::{Bed, start_host},
    tell,
};

pub(crate) async fn run(bed: &mut Bed, arguments: &Arguments) -> anyhow::Result<()> {
    let prober = bed.prober(arguments).await?;
    let refused = bed.put("web", b"#!/bin/sh\nexit 3\n").await;
    ensure!(refused.is_err(), "a build that crashes at its start was taken");
    tell("a build that crashes at its start", &prober.end().await);

    let prober = bed.prober(arguments).await?;
    let refused = bed.put("web", b"#!/bin/sh\nexec sleep 600\n").await;
    ensure!(refused.is_err(), "a build that is never ready was taken");
    tell("a build that is never ready", &prober.end().await);

    let prober = bed.prober(arguments).await?;
    let (folder, url) = (bed.folder.path().to_owned(), bed.url.clone());
    for round in 0..5 {
        let first = Pid::from_raw(i32::try_from(bed.host.id())?);
        let killer = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(100 + 150 * round)).await;
            kill(first, Signal::SIGKILL)
        });
        let release = bed.release("web");
        let successor = async {
            killer.await??;
            start_host(&folder, &url)
        };
        let (released, successor) = tokio::join!(release, successor);
        released?;
        // Only to be reaped: it is dead.
        bed.host.wait()?;
        bed.host = successor?;
    }
    bed.until_alone().await?;
    tell("5 releases of web, the host killed in each", &prober.end().await);
    Ok(())
}
