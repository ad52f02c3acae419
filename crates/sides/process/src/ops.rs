//! The ops server: liveness, readiness, status and metrics, on a port and a thread of its own.

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App, Error, HttpResponse, HttpServer,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::{Condition, Next, from_fn},
    web,
};
use prometheus::TextEncoder;

use crate::{rebinding, signals::Signals, status::Status};

/// Starts the thread that answers probes and hears signals. It ends with the process: neither a stuck runtime
/// nor a long drain may keep it from answering, or a signal from being heard.
pub(crate) fn start(listener: TcpListener, status: Arc<Status>, drain_limit: Duration) -> io::Result<()> {
    let (report, started) = std::sync::mpsc::sync_channel(1);
    std::thread::Builder::new().name("ops".to_owned()).spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let drain = status.drain.clone();
            let begun = Signals::new().and_then(|signals| Ok((signals, serve(listener, status)?)));
            match begun {
                Ok((signals, server)) => {
                    let told = report.send(Ok(()));
                    drop(told);
                    let (ended, _) = tokio::join!(server, signals.watch(&drain, drain_limit));
                    if let Err(error) = ended {
                        tracing::error!("the ops server ended: {error}");
                    }
                }
                Err(error) => drop(report.send(Err(error))),
            }
        });
    })?;
    started.recv().unwrap_or_else(|_| Err(io::Error::other("the ops thread panicked")))
}

fn serve(listener: TcpListener, status: Arc<Status>) -> io::Result<actix_web::dev::Server> {
    let status = web::Data::from(status);
    // Beyond loopback it is reached by whatever name the network gives it.
    let is_loopback = listener.local_addr()?.ip().is_loopback();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(status.clone())
            .wrap(Condition::new(is_loopback, from_fn(own_names_only)))
            .route("/livez", web::get().to(livez))
            .route("/readyz", web::get().to(readyz))
            .route("/status", web::get().to(status_json))
            .route("/metrics", web::get().to(metrics))
            .default_service(web::to(unknown))
    });
    Ok(server.workers(1).worker_max_blocking_threads(1).disable_signals().listen(listener)?.run())
}

async fn own_names_only<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if rebinding::names_this_machine(request.request()) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let text = "here the ops server answers only to its address or to localhost; name one of them in Host\n";
    Ok(request.into_response(HttpResponse::MisdirectedRequest().body(text)))
}

async fn livez(status: web::Data<Status>) -> HttpResponse {
    verdict("ok", &status.faults())
}

async fn readyz(status: web::Data<Status>) -> HttpResponse {
    let mut faults = status.faults();
    if status.drain.is_started() {
        faults.push("draining".to_owned());
    }
    for check in status.health.checks() {
        if let Some(reason) = check.reason {
            faults.push(format!("{}: {reason}", check.name));
        }
    }
    verdict("ready", &faults)
}

fn verdict(good: &str, faults: &[String]) -> HttpResponse {
    let mut answer = if faults.is_empty() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    answer.content_type("text/plain; charset=utf-8");
    answer.body(if faults.is_empty() { format!("{good}\n") } else { faults.join("\n") + "\n" })
}

async fn status_json(status: web::Data<Status>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(status.to_json())
}

async fn metrics(status: web::Data<Status>) -> HttpResponse {
    match TextEncoder::new().encode_to_string(&status.metrics.gather()) {
        Ok(text) => HttpResponse::Ok().content_type(prometheus::TEXT_FORMAT).body(text),
        Err(error) => HttpResponse::InternalServerError().body(format!("{error}\n")),
    }
}

async fn unknown() -> HttpResponse {
    HttpResponse::NotFound().body("not found; available: /livez /readyz /status /metrics\n")
}
