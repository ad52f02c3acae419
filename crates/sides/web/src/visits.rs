//! Who is connected, so that nobody is cut off at the end and nobody takes the place of all others.

use std::{
    collections::HashMap,
    net::IpAddr,
    os::fd::{AsRawFd, RawFd},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{
    Error, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{Extensions, ServiceRequest, ServiceResponse},
    error::ErrorInternalServerError,
    http::{ConnectionType, header},
    middleware::Next,
    rt::{self, net::TcpStream},
};
use nix::sys::socket::{Shutdown, shutdown};
use process::Drain;
use tokio::time::{self, Instant};

/// How long an idle connection stays open for its next request.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// A connection that was taken from the socket a moment ago is not counted yet.
const ON_THE_WAY: Duration = Duration::from_millis(250);
/// How long a request's body may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same while half of all places are taken, or while the process waits to end.
const SHORT_PATIENCE: Duration = Duration::from_secs(2);
/// How long a connection lasts once its answer is its last, though it has not sent all of its request.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// How long an answer waits for a reader that takes nothing, in milliseconds.
const UNREAD_LIMIT: u32 = 20_000;

/// The open connections, and whether they are to end. Clones share one count.
#[derive(Clone)]
pub(crate) struct Visits {
    shared: Arc<Shared>,
    drain: Drain,
    capacity: usize,
}

#[derive(Default)]
struct Shared {
    open: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// Lives as long as its connection.
struct Visit {
    shared: Arc<Shared>,
    address: Option<IpAddr>,
    /// Its descriptor, for as long as this lives.
    descriptor: Option<RawFd>,
    alive: Arc<()>,
    /// This client has more connections than its share.
    is_beyond_share: bool,
}

impl Visits {
    /// Room for `capacity` connections.
    pub(crate) fn new(drain: Drain, capacity: usize) -> Self {
        Self { shared: Arc::default(), drain, capacity }
    }

    /// Counts a connection for as long as its `extensions` live.
    pub(crate) fn count(&self, stream: &TcpStream, extensions: &mut Extensions) {
        self.shared.open.fetch_add(1, Ordering::SeqCst);
        give_up_on_those_who_never_read(stream);
        let address = stream.peer_addr().ok().map(|peer| peer.ip());
        let address = address.filter(|address| is_a_single_client(*address));
        let mut is_beyond_share = false;
        if let Some(address) = address {
            let mut by_address = self.shared.lock();
            let count = by_address.entry(address).or_default();
            *count += 1;
            is_beyond_share = *count > self.capacity / 4;
        }
        extensions.insert(Visit {
            shared: Arc::clone(&self.shared),
            address,
            descriptor: Some(stream.as_raw_fd()),
            alive: Arc::default(),
            is_beyond_share,
        });
    }

    /// Middleware: who has more connections than its share is told so at once. Once the drain has started, each
    /// answer is the last on its connection. A client that reads this opens a new one, which another instance
    /// takes; none sends into a connection that is about to close.
    ///
    /// The request is worked on in a task of its own: a connection whose reader takes nothing is not polled, and would
    /// keep what its next request holds, such as a database connection, or the page that all others wait for.
    pub(crate) async fn attend<B: MessageBody + 'static>(
        self,
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<EitherBody<B>>, Error> {
        if request.conn_data::<Visit>().is_some_and(|visit| visit.is_beyond_share) {
            let mut answer = HttpResponse::TooManyRequests();
            answer.insert_header((header::RETRY_AFTER, "5")).force_close();
            let text = "Too many connections from this address.\n";
            return Ok(request.into_response(answer.body(text).map_into_right_body()));
        }
        let worked_on = rt::spawn(next.call(request)).await;
        let mut response = worked_on.map_err(ErrorInternalServerError)??;
        if self.drain.is_started() {
            response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        Ok(response.map_into_left_body())
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// How long a request's body may take now.
    pub(crate) fn patience(&self) -> Duration {
        let is_crowded = self.shared.open.load(Ordering::Relaxed) > self.capacity / 2;
        if is_crowded || self.drain.is_started() { SHORT_PATIENCE } else { PATIENCE }
    }

    /// Waits until every connection has ended: those that ask hear good-bye, those that are idle are closed
    /// after [`KEEP_ALIVE`]. At most `limit`.
    pub(crate) async fn ended(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut empty_since = None;
        while Instant::now() < deadline {
            match self.shared.open.load(Ordering::SeqCst) {
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
            connections = self.shared.open.load(Ordering::SeqCst),
            "connections are still open at the limit"
        );
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the connection of a request a little later, unless it has ended by then: time to read the answer.
pub(crate) fn hanging_up(request: &ServiceRequest) -> Option<impl Future<Output = ()> + 'static> {
    let visit = request.conn_data::<Visit>()?;
    let (descriptor, alive) = (visit.descriptor?, Arc::downgrade(&visit.alive));
    Some(async move {
        time::sleep(LAST_WORDS).await;
        // Runs on the connection's own thread, so it cannot end between these two.
        if alive.upgrade().is_some() {
            shutdown(descriptor, Shutdown::Both).ok();
        }
    })
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.shared.open.fetch_sub(1, Ordering::SeqCst);
        let Some(address) = self.address else { return };
        let mut by_address = self.shared.lock();
        if let Some(count) = by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&address);
            }
        }
    }
}

/// Behind a private address there may be a proxy, and behind that everybody.
pub(crate) fn is_a_single_client(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            !(address.is_loopback() || address.is_private() || address.is_link_local() || is_shared(address))
        }
        IpAddr::V6(address) => !(address.is_loopback() || address.is_unique_local()),
    }
}

/// CGNAT, and the private networks of some clouds.
fn is_shared(address: std::net::Ipv4Addr) -> bool {
    address.octets()[0] == 100 && address.octets()[1] & 0b1100_0000 == 64
}

/// The kernel ends a connection whose other side takes nothing of what waits for it.
#[cfg(target_os = "linux")]
fn give_up_on_those_who_never_read(stream: &TcpStream) {
    use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
    if let Err(error) = setsockopt(stream, TcpUserTimeout, &UNREAD_LIMIT) {
        tracing::debug!("a connection has no limit for unread answers: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
fn give_up_on_those_who_never_read(_: &TcpStream) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_for_clients_and_not_for_proxies() {
        for proxy in ["127.0.0.1", "10.0.0.1", "::1", "::ffff:10.0.0.1", "fd12::1", "100.64.0.1"] {
            assert!(!is_a_single_client(proxy.parse().unwrap()), "{proxy}");
        }
        for client in ["203.0.113.9", "2a00:1450::1", "100.128.0.1"] {
            assert!(is_a_single_client(client.parse().unwrap()), "{client}");
        }
    }
}
