//! The server: API, blobs, logs, and the router before the web dynos.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, http::StatusCode, rt, web};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Fault, Settings, http, launch, logs, router,
    schema::Endpoint,
    state::{Dyno, State},
};

/// The only token that is let in.
const TOKEN: &str = "HRKU-simulated-0123456789";

/// A running simulator; it and all its dynos end with this value.
pub struct Heroku {
    state: Arc<Mutex<State>>,
    address: String,
    handle: ServerHandle,
    _folder: TempDir,
}

/// A request as it arrived at the API.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `POST`
    pub method: String,
    /// `/apps/acme-web/releases`
    pub path: String,
    /// What was sent, or null.
    pub body: Value,
}

impl Heroku {
    /// Starts on a free port of loopback.
    ///
    /// # Panics
    /// When there is no port or no room for files.
    #[must_use]
    pub fn start(settings: Settings) -> Self {
        // Only fails when one is installed already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let folder =
            tempfile::Builder::new().prefix("simulated-heroku-").tempdir().expect("a folder for slugs");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address").to_string();
        let state = Arc::new(Mutex::new(State {
            settings,
            folder: folder.path().to_owned(),
            address: address.clone(),
            apps: Default::default(),
            blobs: Default::default(),
            addons: Default::default(),
            log_sessions: Default::default(),
            faults: Default::default(),
            seen: Vec::new(),
            breaches: Vec::new(),
        }));
        let (sender, receiver) = std::sync::mpsc::channel();
        let shared = Arc::clone(&state);
        thread::spawn(move || rt::System::new().block_on(serve(listener, shared, sender)));
        let handle = receiver.recv().expect("the server starts");
        let watched = Arc::downgrade(&state);
        thread::spawn(move || {
            while let Some(state) = watched.upgrade() {
                launch::tick(&mut lock(&state));
                drop(state);
                thread::sleep(Duration::from_millis(10));
            }
        });
        Self { state, address, handle, _folder: folder }
    }

    /// For `HEROKU_API_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For `HTTP_PROXY`: leads `http://<app>.herokuapp.com/` to the app's web dynos.
    #[must_use]
    pub fn router(&self) -> String {
        self.url()
    }

    /// For `HEROKU_API_KEY`.
    #[must_use]
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// Has something go wrong with the next order.
    pub fn inject(&self, fault: Fault) {
        self.inject_at("", fault);
    }

    /// The same with the next order whose path ends so: `/releases`.
    pub fn inject_at(&self, path: &str, fault: Fault) {
        lock(&self.state).faults.add(path, fault);
    }

    /// An app without anything, as `POST /apps` makes it.
    pub fn create_app(&self, name: &str) {
        lock(&self.state).call("POST", "/apps", &[], &json!({"name": name}));
    }

    /// Turns a feature on, as somebody would in the dashboard.
    pub fn enable(&self, app: &str, feature: &str) {
        if let Some(app) = lock(&self.state).apps.get_mut(app) {
            app.features.insert(feature.to_owned());
        }
    }

    /// Has every question and every order be answered with 503 from now on, or no longer. Dynos and their router go on.
    pub fn be_away(&self, is_away: bool) {
        lock(&self.state).faults.is_away = is_away;
    }

    /// An app's configuration.
    #[must_use]
    pub fn config(&self, app: &str) -> Value {
        lock(&self.state).apps.get(app).map_or(Value::Null, |app| json!(app.config))
    }

    /// Gives an app a variable, as somebody would by hand.
    pub fn set(&self, app: &str, variable: &str, value: &str) {
        let path = "/apps/{app}/config-vars";
        lock(&self.state).call("PATCH", path, &[app.to_owned()], &json!({variable: value}));
    }

    /// Releases again what ran before, as another deployer would.
    pub fn release_again(&self, app: &str, version: u32) {
        let mut state = lock(&self.state);
        let id = state.apps[app].releases[version as usize - 1].id;
        let path = "/apps/{app}/releases";
        state.call("POST", path, &[app.to_owned()], &json!({"release": id}));
    }

    /// Kills a dyno's processes with SIGKILL: its machine was lost.
    pub fn lose(&self, app: &str, dyno: &str) {
        let state = lock(&self.state);
        let is_it = |one: &&Dyno| one.name == dyno;
        if let Some(dyno) = state.apps[app].dynos.iter().find(is_it) {
            launch::end(dyno, Signal::SIGKILL);
        }
    }

    /// Every request that the API got, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state).seen.clone()
    }

    /// Requests and answers that the published schema does not allow.
    #[must_use]
    pub fn breaches(&self) -> Vec<String> {
        lock(&self.state).breaches.clone()
    }
}

impl Drop for Heroku {
    fn drop(&mut self) {
        // The answer comes from a thread that may be gone.
        drop(self.handle.stop(false));
        let mut state = lock(&self.state);
        for app in state.apps.values_mut() {
            let leaving = app.leaving.iter_mut().map(|leaving| &mut leaving.dyno);
            for dyno in app.dynos.iter_mut().chain(leaving) {
                launch::end(dyno, Signal::SIGKILL);
                // Reaped, so that nothing of it is left.
                if let Some(child) = &mut dyno.child {
                    child.wait().ok();
                }
            }
            app.dynos.clear();
            app.formation.clear();
        }
    }
}

pub(crate) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(
    listener: TcpListener,
    state: Arc<Mutex<State>>,
    started: std::sync::mpsc::Sender<ServerHandle>,
) {
    let state = web::Data::from(state);
    let server = HttpServer::new(move || {
        let limit = web::PayloadConfig::new(256 << 20);
        App::new().app_data(state.clone()).app_data(limit).default_service(web::to(answer))
    });
    let server = server.workers(1).disable_signals().listen(listener).expect("the port is ours").run();
    started.send(server.handle()).ok();
    server.await.ok();
}

async fn answer(request: HttpRequest, body: web::Bytes, state: web::Data<Mutex<State>>) -> HttpResponse {
    let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    if let Some(app) = host.strip_suffix(".herokuapp.com") {
        return router::route(&state, app, request.uri().path()).await;
    }
    let path = request.path().to_owned();
    if let Some(slug) = path.strip_prefix("/blobs/") {
        return take_blob(&request, slug, &body, &state);
    }
    if let Some(session) = path.strip_prefix("/logs/") {
        return match logs::text(&lock(&state), session) {
            Some(text) => HttpResponse::Ok().body(text),
            None => HttpResponse::NotFound().finish(),
        };
    }
    api(&request, &path, &body, &state)
}

/// A signed address takes exactly what was signed: no other authorization, no type.
fn take_blob(request: &HttpRequest, slug: &str, body: &[u8], state: &Mutex<State>) -> HttpResponse {
    let has = |name: &str| request.headers().contains_key(name);
    if request.method() != "PUT" || has("authorization") || has("content-type") {
        return HttpResponse::Forbidden().body("SignatureDoesNotMatch");
    }
    lock(state).blobs.insert(slug.to_owned(), body.to_vec());
    HttpResponse::Ok().finish()
}

fn api(request: &HttpRequest, path: &str, body: &[u8], state: &Mutex<State>) -> HttpResponse {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let method = request.method().as_str();
    let mut state = lock(state);
    if header("authorization") != format!("Bearer {TOKEN}") {
        return reply(http::refused(401, "unauthorized", "Invalid credentials provided."));
    }
    if header("accept") != "application/vnd.heroku+json; version=3" {
        state.breaches.push(format!("{method} {path}: Accept is {:?}", header("accept")));
    }
    let sent = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(body) };
    let Ok(sent) = sent else { return reply(http::refused(400, "bad_request", "Unable to parse the JSON.")) };
    state.seen.push(Seen { method: method.to_owned(), path: path.to_owned(), body: sent.clone() });
    let Some((endpoint, places)) = Endpoint::find(method, path) else {
        state.breaches.push(format!("{method} {path} is no call of Heroku's"));
        return reply(http::not_found("call"));
    };
    if endpoint.path == "/apps/{app}/releases" && method == "GET" && !header("range").contains("order=desc") {
        state.breaches.push(format!("{method} {path}: without a range, the oldest releases come first"));
    }
    let faults = endpoint.faults_of_request(&sent);
    if !faults.is_empty() {
        state.breaches.push(format!("{method} {path} {sent}: {}", faults.join("; ")));
        return reply(http::refused(422, "invalid_params", &faults.join("; ")));
    }
    let fault = state.faults.next(method, path);
    match fault {
        Some(Fault::TooMany) => {
            let mut said = reply(http::refused(429, "rate_limit", "Your account reached the API rate limit"));
            said.headers_mut().insert(
                actix_web::http::header::RETRY_AFTER,
                actix_web::http::header::HeaderValue::from_static("1"),
            );
            return said;
        }
        Some(Fault::Down) => return reply(http::refused(503, "service_unavailable", "Try again later.")),
        Some(Fault::LostAnswer) | None => {}
    }
    let (status, said) = state.call(method, &endpoint.path, &places, &sent);
    if fault == Some(Fault::LostAnswer) {
        return reply(http::refused(504, "gateway_timeout", "The answer was lost."));
    }
    if status >= 400 {
        return reply((status, said));
    }
    match endpoint.complete(said) {
        Ok(said) => reply((status, said)),
        Err(faults) => {
            state.breaches.push(format!("answer to {method} {path}: {}", faults.join("; ")));
            reply(http::refused(500, "simulator", &faults.join("; ")))
        }
    }
}

fn reply((status, body): http::Answer) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status).content_type("application/vnd.heroku+json; version=3").body(body.to_string())
}
