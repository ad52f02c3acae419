//! The platform API over HTTP.

use std::{sync::Arc, time::Duration};

use reqwest::{Method, Response, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{self, Instant};

use crate::{Token, error::ApiError};

const MEDIA: &str = "application/vnd.heroku+json; version=3";
/// One answer. Heroku itself gives up after 30 s.
const ANSWER_LIMIT: Duration = Duration::from_secs(35);
/// How long 429 and 5xx are waited out.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Speaks the platform API, version 3.
///
/// A refusal for too many calls (429) is waited out, as long as `Retry-After` says: nothing was carried out. After a
/// lost answer only those calls are repeated that come to the same whether they are carried out once or twice; the
/// others give [`ApiError::Lost`], and whoever asked looks at what has become of it.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    api: String,
    token: Token,
    http: reqwest::Client,
}

/// Whether a call may be carried out twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Harmless,
    Harmful,
}

impl Client {
    /// Heroku itself.
    pub const API: &'static str = "https://api.heroku.com";

    /// `http` decides about proxies and TLS.
    #[must_use]
    pub fn new(api: &str, token: Token, http: reqwest::Client) -> Self {
        Self(Arc::new(Inner { api: api.trim_end_matches('/').to_owned(), token, http }))
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.call(Method::GET, path, None, Repeat::Harmless).await
    }

    /// An order that comes to the same once or twice.
    pub(crate) async fn patch<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, ApiError> {
        self.call(Method::PATCH, path, Some(body), Repeat::Harmless).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, ApiError> {
        self.call(Method::POST, path, Some(body), Repeat::Harmful).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<(), ApiError> {
        self.call::<Value>(Method::DELETE, path, None, Repeat::Harmful).await.map(drop)
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        repeat: Repeat,
    ) -> Result<T, ApiError> {
        let what = format!("{method} {path}");
        let deadline = Instant::now() + PATIENCE;
        let mut pause = PAUSE;
        loop {
            let (error, wait) = match self.send(&method, path, body).await {
                Ok(response) if response.status().is_success() => {
                    let read = response.bytes().await;
                    let parsed = read.map_err(|error| lost(&what, &error)).and_then(|bytes| {
                        serde_json::from_slice(&bytes).map_err(|error| ApiError::Lost {
                            what: what.clone(),
                            reason: format!("sent an unexpected answer: {error}"),
                        })
                    });
                    return parsed;
                }
                Ok(response) => {
                    let (status, wait) = (response.status().as_u16(), retry_after(&response));
                    let body = response.bytes().await.unwrap_or_default();
                    (ApiError::of(&what, status, &body), wait)
                }
                Err(error) => (lost(&what, &error), None),
            };
            let may_repeat = match &error {
                ApiError::Refused { status: 429, .. } => true,
                ApiError::Refused { .. } => false,
                ApiError::Lost { .. } => repeat == Repeat::Harmless,
            };
            let wait = wait.unwrap_or(pause).min(LONGEST_PAUSE);
            if !may_repeat || Instant::now() + wait > deadline {
                return Err(error);
            }
            time::sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn send(&self, method: &Method, path: &str, body: Option<&Value>) -> reqwest::Result<Response> {
        let inner = &self.0;
        let mut request =
            inner.http.request(method.clone(), format!("{}{path}", inner.api)).timeout(ANSWER_LIMIT);
        request = request.bearer_auth(inner.token.expose()).header(header::ACCEPT, MEDIA);
        if path.ends_with("/releases") {
            // Without it the oldest come first.
            request = request.header(header::RANGE, "version ..; order=desc, max=20");
        }
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
        }
        request.send().await
    }

    /// Puts bytes where a signed address wants them. The signature covers the headers: no token, no type.
    pub(crate) async fn upload(&self, url: &str, bytes: &[u8]) -> Result<(), ApiError> {
        let what = "the upload of the slug";
        let mut left = 3;
        loop {
            left -= 1;
            let sent =
                self.0.http.put(url).body(bytes.to_vec()).timeout(Duration::from_secs(600)).send().await;
            let error = match sent {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => ApiError::of(what, response.status().as_u16(), &[]),
                Err(error) => lost(what, &error),
            };
            if left == 0 || !error.is_lost() {
                return Err(error);
            }
            time::sleep(PAUSE).await;
        }
    }

    /// The text behind an address that is its own key.
    pub(crate) async fn text(&self, url: &str) -> Result<String, ApiError> {
        let what = "the log";
        let response =
            self.0.http.get(url).timeout(ANSWER_LIMIT).send().await.map_err(|error| lost(what, &error))?;
        match response.status().is_success() {
            true => response.text().await.map_err(|error| lost(what, &error)),
            false => Err(ApiError::of(what, response.status().as_u16(), &[])),
        }
    }

    /// What a visitor of a web address sees: its status.
    pub(crate) async fn visit(&self, url: &str) -> Result<u16, String> {
        let asked = self.0.http.get(url).timeout(Duration::from_secs(10)).send().await;
        asked.map(|response| response.status().as_u16()).map_err(|error| root(&error))
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn lost(what: &str, error: &reqwest::Error) -> ApiError {
    ApiError::Lost { what: what.to_owned(), reason: root(error) }
}

/// The deepest reason: what stands above it repeats the address, which may be a signed one.
fn root(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut source: &dyn std::error::Error = error;
    while let Some(deeper) = source.source() {
        source = deeper;
    }
    if std::ptr::eq(source, error as &dyn std::error::Error) {
        return "cannot read the answer".to_owned();
    }
    source.to_string()
}
