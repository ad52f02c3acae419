//! The public HTTP server, from its socket to its last answer.

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_http::{HttpService, Protocol, error::DispatchError};
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::{
    App,
    dev::{AppConfig, Server},
    middleware::{Compress, DefaultHeaders, from_fn},
    rt::net::TcpStream,
    web::{self, ServiceConfig},
};
use anyhow::Context as _;
use process::Process;

use crate::{
    Config, Site, bodies, descriptors, fault,
    metrics::Metrics,
    paced::Paced,
    protection, routes,
    visits::{KEEP_ALIVE, Visits},
};

/// What is kept of the drain for requests that are still under way at its end.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// How long the head of a request may take.
const HEAD_LIMIT: Duration = Duration::from_secs(5);
/// How long a client may take to close after the last answer.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// Serves until the process is told to stop, and then until everybody who is connected has been answered.
///
/// A listening socket that others hold too is left to them at once: the kernel hands new connections to
/// whoever still accepts. A socket of our own stays open during the drain, so that late connections are answered
/// and not refused.
///
/// # Errors
/// When the socket is not available, the metrics exist already, or the server ends by itself.
pub async fn serve<R>(process: Process, config: Config, site: Site, application: R) -> anyhow::Result<()>
where
    R: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let ready = process.health.check("http");
    let listener = process::listen::public(config.host, config.port)?;
    let address = listener.local_addr().context("the public socket has no address")?;
    let metrics = Arc::new(Metrics::register(&process.metrics).context("cannot set up the metrics")?);
    let visits = Visits::new(process.drain.clone(), descriptors::capacity());
    let server = start(listener, &config, site, metrics, &visits, Identity::of(&process), application)?;
    let handle = server.handle();
    let mut server = tokio::spawn(server);
    process.set_public_address(address.to_string());
    ready.pass();
    tracing::info!(http.address = %address, "answers at http://{address}");
    tokio::select! {
        ended = &mut server => {
            ended.context("the HTTP server panicked")?.context("the HTTP server failed")?;
            anyhow::bail!("the HTTP server ended unexpectedly");
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

/// The build and the instance, by which an answer names who gave it: several may share one socket.
#[derive(Clone)]
struct Identity {
    release: String,
    /// As a host names its instances; nobody else does.
    instance: Option<String>,
}

impl Identity {
    fn of(process: &Process) -> Self {
        // A host of an older version says it by the other name.
        let instance = ["SIDES_INSTANCE", "SIDES_COPY"].iter().find_map(|name| std::env::var(name).ok());
        Self { release: process.release.clone(), instance }
    }

    fn headers(&self) -> DefaultHeaders {
        let headers = DefaultHeaders::new().add(("sides-release", self.release.as_str()));
        match &self.instance {
            Some(instance) => headers.add(("sides-instance", instance.as_str())),
            None => headers,
        }
    }
}

fn start<R>(
    listener: TcpListener,
    config: &Config,
    site: Site,
    metrics: Arc<Metrics>,
    visits: &Visits,
    identity: Identity,
    application: R,
) -> anyhow::Result<Server>
where
    R: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    if site.key().is_err() {
        tracing::warn!(
            "{} is not set: pages can be read, and nothing can be changed",
            site.brand.secret_variable
        );
    }
    let site = web::Data::new(site);
    let (connected, attended) = (visits.clone(), visits.clone());
    let app = move || {
        let (metrics, visits, waiting) = (metrics.clone(), attended.clone(), attended.clone());
        let (site, application) = (site.clone(), application.clone());
        App::new()
            .app_data(site.clone())
            .configure(|config| routes::configure(config, &site, &application))
            .wrap(from_fn(fault::as_page))
            .wrap(from_fn(bodies::sliced))
            .wrap(Compress::default())
            .wrap(from_fn(protection::headers))
            // A probe must know who answered.
            .wrap(identity.headers())
            .wrap(from_fn(move |request, next| metrics.clone().observe(request, next)))
            .wrap(from_fn(move |request, next| bodies::in_time(waiting.clone(), request, next)))
            .wrap(from_fn(move |request, next| visits.clone().attend(request, next)))
    };
    let server = Server::build()
        .max_concurrent_connections(visits.capacity().div_ceil(config.workers))
        .workers(config.workers)
        .worker_max_blocking_threads(1)
        .shutdown_timeout(LAST_ANSWERS.as_secs())
        .disable_signals();
    // As `HttpServer` does it, but for how a connection is read.
    let server = server.listen("public", listener, move || {
        let connected = connected.clone();
        let app = app().into_factory().map_err(|error| error.error_response());
        let http = HttpService::build()
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_LIMIT)
            .client_disconnect_timeout(CLOSE_LIMIT)
            .on_connect_ext(move |connection: &Paced, extensions| {
                connected.count(connection.connection(), extensions);
            })
            .finish(map_config(app, |()| AppConfig::default()));
        let accept = async |connection: TcpStream| {
            let peer = connection.peer_addr().ok();
            Ok::<_, DispatchError>((Paced::new(connection), Protocol::Http1, peer))
        };
        fn_service(accept).and_then(http)
    });
    Ok(server.context("cannot use the public socket")?.run())
}
