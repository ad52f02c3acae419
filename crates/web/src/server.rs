//! The public HTTP server, from its socket to its last answer.

use std::sync::Arc;

use actix_web::{App, HttpServer, middleware::from_fn, web};
use anyhow::Context as _;
use process::Process;

use crate::{config::Config, metrics::Metrics, protection, routes, site::Site};

/// Serves until the process is told to stop; then takes no new connection and finishes what was begun.
pub(crate) async fn run(process: Process, config: Config) -> anyhow::Result<()> {
    let ready = process.health.check("http");
    let listener = process::listen::public(config.host, config.port)?;
    let address = listener.local_addr().context("the public socket has no address")?;
    let metrics = Arc::new(Metrics::register(&process.metrics).context("the metrics cannot be set up")?);
    let site = web::Data::new(Site::new(&process, &config));
    if site.key.is_none() {
        tracing::warn!("ADMIN_TOKEN is not set: pages can be read, and nothing can be changed");
    }
    let server = HttpServer::new(move || {
        let metrics = metrics.clone();
        App::new()
            .app_data(site.clone())
            .configure(routes::configure)
            .wrap(from_fn(protection::headers))
            .wrap(from_fn(move |request, next| metrics.clone().observe(request, next)))
    })
    .workers(config.workers)
    .worker_max_blocking_threads(1)
    .shutdown_timeout(process.drain_limit.as_secs())
    .disable_signals()
    .listen(listener)
    .context("the public socket cannot be used")?
    .run();
    let handle = server.handle();
    let mut server = tokio::spawn(server);
    process.set_public_address(address.to_string());
    ready.pass();
    tracing::info!(http.address = %address, "answers at http://{address}");
    tokio::select! {
        ended = &mut server => {
            ended.context("the HTTP server panicked")?.context("the HTTP server failed")?;
            anyhow::bail!("the HTTP server ended by itself");
        }
        () = process.drain.started() => {}
    }
    handle.stop(true).await;
    server.await.context("the HTTP server panicked")?.context("the HTTP server failed")
}
