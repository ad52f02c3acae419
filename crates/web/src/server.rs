//! The public HTTP server, from its socket to its last answer.

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_web::{App, HttpServer, dev::Server, middleware::from_fn, web};
use anyhow::Context as _;
use process::Process;

use crate::{
    config::Config,
    metrics::Metrics,
    protection, routes,
    site::Site,
    visits::{KEEP_ALIVE, Visits},
};

/// What is kept of the drain for requests that are still under way at its end.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Serves until the process is told to stop, and then until everybody who is connected has been answered.
///
/// A listening socket that others hold too is left to them at once: the kernel hands new connections to
/// whoever still accepts. A socket of our own stays open while we drain, so that who comes late is answered
/// and not refused.
pub(crate) async fn run(process: Process, config: Config) -> anyhow::Result<()> {
    let ready = process.health.check("http");
    let listener = process::listen::public(config.host, config.port)?;
    let address = listener.local_addr().context("the public socket has no address")?;
    let metrics = Arc::new(Metrics::register(&process.metrics).context("the metrics cannot be set up")?);
    let visits = Visits::new(process.drain.clone());
    let server = serve(listener, &process, &config, metrics, visits.clone())?;
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
    if config.shares_its_socket {
        handle.pause().await;
    }
    visits.ended(process.drain_limit.saturating_sub(LAST_ANSWERS)).await;
    handle.stop(true).await;
    server.await.context("the HTTP server panicked")?.context("the HTTP server failed")
}

fn serve(
    listener: TcpListener,
    process: &Process,
    config: &Config,
    metrics: Arc<Metrics>,
    visits: Visits,
) -> anyhow::Result<Server> {
    let site = web::Data::new(Site::new(process, config));
    if site.key.is_none() {
        tracing::warn!("ADMIN_TOKEN is not set: pages can be read, and nothing can be changed");
    }
    let connected = visits.clone();
    let server = HttpServer::new(move || {
        let (metrics, visits) = (metrics.clone(), visits.clone());
        App::new()
            .app_data(site.clone())
            .configure(routes::configure)
            .wrap(from_fn(protection::headers))
            .wrap(from_fn(move |request, next| metrics.clone().observe(request, next)))
            .wrap(from_fn(move |request, next| visits.clone().say_good_bye(request, next)))
    })
    .on_connect(move |_, extensions| connected.count(extensions))
    .keep_alive(KEEP_ALIVE)
    .workers(config.workers)
    .worker_max_blocking_threads(1)
    .shutdown_timeout(LAST_ANSWERS.as_secs())
    .disable_signals();
    Ok(server.listen(listener).context("the public socket cannot be used")?.run())
}
