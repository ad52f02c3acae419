//! Who is connected, so that nobody is cut off at the end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{Extensions, ServiceRequest, ServiceResponse},
    http::ConnectionType,
    middleware::Next,
};
use process::Drain;
use tokio::time::{self, Instant};

/// How long an idle connection stays open for its next request.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// A connection that was taken from the socket a moment ago is not counted yet.
const ON_THE_WAY: Duration = Duration::from_millis(250);

/// The open connections, and whether they are to end. Clones share one count.
#[derive(Clone)]
pub(crate) struct Visits {
    open: Arc<AtomicUsize>,
    drain: Drain,
}

/// Lives as long as its connection.
struct Visit(Arc<AtomicUsize>);

impl Visits {
    pub(crate) fn new(drain: Drain) -> Self {
        Self { open: Arc::default(), drain }
    }

    /// For `HttpServer::on_connect`.
    pub(crate) fn count(&self, extensions: &mut Extensions) {
        self.open.fetch_add(1, Ordering::SeqCst);
        extensions.insert(Visit(Arc::clone(&self.open)));
    }

    /// Middleware: once the drain has started, each answer is the last on its connection. A client that reads
    /// this opens a new one, which another copy takes; none sends into a connection that is about to close.
    pub(crate) async fn say_good_bye<B: MessageBody>(
        self,
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<B>, Error> {
        let mut response = next.call(request).await?;
        if self.drain.is_started() {
            response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        Ok(response)
    }

    /// Waits until every connection has ended: those that ask hear good-bye, those that are idle are closed
    /// after [`KEEP_ALIVE`]. At most `limit`.
    pub(crate) async fn ended(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut empty_since = None;
        while Instant::now() < deadline {
            match self.open.load(Ordering::SeqCst) {
                0 => {
                    let since = *empty_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= ON_THE_WAY {
                        return;
                    }
                }
                _ => empty_since = None,
            }
            time::sleep(Duration::from_millis(20)).await;
        }
        tracing::warn!(
            connections = self.open.load(Ordering::SeqCst),
            "connections are still open at the limit"
        );
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
