//! The router before the web dynos.
//!
//! As Heroku's, it takes a dyno out before the dyno is asked to leave, and has visitors wait while one boots.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::{HttpResponse, http::StatusCode, rt::time};

use crate::{server::lock, state::State};

/// How many requests a dyno has not answered yet.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }

    fn enter(&self) -> Request {
        self.0.fetch_add(1, Ordering::SeqCst);
        Request(Arc::clone(&self.0))
    }
}

/// Counted until it is answered, or given up.
struct Request(Arc<AtomicUsize>);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

enum Way {
    To(u16, Request),
    /// A dyno boots.
    Waits,
    No(HttpResponse),
}

/// Leads a visitor to a web dyno: with preboot, to the old ones as long as they are there.
pub(crate) async fn route(state: &Mutex<State>, app: &str, path: &str) -> HttpResponse {
    let (begun, limit) = (Instant::now(), lock(state).settings.router_limit);
    let (port, _request) = loop {
        match way(&lock(state), app) {
            Way::To(port, request) => break (port, request),
            Way::No(answer) => return answer,
            Way::Waits if begun.elapsed() > limit => return unavailable("H20 App boot timeout"),
            Way::Waits => {}
        }
        time::sleep(Duration::from_millis(10)).await;
    };
    let client = reqwest::Client::builder().no_proxy().build();
    let Ok(client) = client else { return HttpResponse::InternalServerError().finish() };
    let answer = match client.get(format!("http://127.0.0.1:{port}{path}")).send().await {
        Ok(answer) => answer,
        Err(error) => return unavailable(&format!("H13 {error}")),
    };
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut passed_on = HttpResponse::build(status);
    for (name, value) in answer.headers().iter().filter(|(name, _)| !BETWEEN_TWO.contains(&name.as_str())) {
        passed_on.append_header((name.as_str(), value.as_bytes()));
    }
    match answer.bytes().await {
        Ok(body) => passed_on.body(body),
        Err(error) => unavailable(&format!("H18 {error}")),
    }
}

/// What is said between the router and a dyno alone.
const BETWEEN_TWO: [&str; 4] = ["connection", "content-length", "keep-alive", "transfer-encoding"];

/// Chooses and counts under one lock: who is asked to leave has no request on its way.
fn way(state: &State, app: &str) -> Way {
    let Some(app) = state.apps.get(app) else { return Way::No(HttpResponse::NotFound().body("No such app")) };
    let now = Instant::now();
    let old = app.leaving.iter().filter(|one| now < one.out_at).map(|one| &one.dyno);
    let all: Vec<_> = old.chain(&app.dynos).filter(|dyno| dyno.kind == "web").collect();
    if let Some(dyno) = all.iter().find(|dyno| dyno.state == "up") {
        return Way::To(dyno.port, dyno.in_flight.enter());
    }
    match all.iter().any(|dyno| dyno.state == "starting") {
        true => Way::Waits,
        false if all.is_empty() => Way::No(unavailable("H14 No web dynos running")),
        false => Way::No(unavailable("H10 App crashed")),
    }
}

fn unavailable(reason: &str) -> HttpResponse {
    HttpResponse::ServiceUnavailable().body(reason.to_owned())
}
