//! web alone, stopped and started again, as by systemd: with its socket held meanwhile, or bound by itself.

use std::{
    net::{SocketAddr, TcpListener},
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use platform::{
    local::{Group, bind_to_supervisor},
    prober::Prober,
};

use crate::{
    Arguments, PATIENCE,
    bed::{Bed, environment, plan},
    tell,
};

/// Enough to see what one costs.
const MOST: u32 = 20;

/// With its socket `held`, or bound by itself.
pub(crate) async fn run(bed: &Bed, arguments: &Arguments, held: bool) -> anyhow::Result<()> {
    let restarts = arguments.releases.min(MOST);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let listener = held.then(|| Arc::new(listener));
    let start = || -> anyhow::Result<tokio::process::Child> {
        use std::os::fd::AsRawFd as _;
        let mut command = tokio::process::Command::new(bed.programs.join("web"));
        environment(command.as_std_mut(), &bed.url);
        command.env("PORT", address.port().to_string()).env("OPS_PORT", "0");
        command
            .current_dir(bed.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(listener) = &listener {
            command.env("LISTEN_FD", listener.as_raw_fd().to_string());
        }
        bind_to_supervisor(&mut command, listener.clone());
        Ok(command.spawn()?)
    };
    let mut web = start()?;
    until_answers(address).await?;
    let prober = Prober::start(&plan(address, arguments));
    let (mut drained, mut down) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..restarts {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let asked = Instant::now();
        Group::led_by(&web).context("web runs")?.terminate();
        web.wait().await?;
        let gone = Instant::now();
        web = start()?;
        until_answers(address).await?;
        drained += gone - asked;
        down += gone.elapsed();
    }
    let what = if held { "restarts of web, its socket held" } else { "plain restarts of web" };
    tell(&format!("{restarts} {what}"), &prober.end().await);
    let each = |time: Duration| time.as_secs_f64() / f64::from(restarts.max(1));
    println!("  each served on for {:.2} s and answered again {:.2} s later", each(drained), each(down));
    Ok(())
}

async fn until_answers(address: SocketAddr) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let asked = client.get(format!("http://{address}/")).timeout(Duration::from_secs(5)).send().await;
        if asked.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("web does not answer on {address}")
}
