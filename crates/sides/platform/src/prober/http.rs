//! A client on this machine's network: hyper reads the answers, and every connection is opened and given up here, so that
//! nothing is asked twice.

use std::error::Error;

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    ext::ReasonPhrase,
    header,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use super::{Asked, Plan, RELEASE_HEADER, Visitor};

type Fault = Box<dyn Error + Send + Sync>;

pub(super) struct OverHttp {
    plan: Plan,
    keeps: bool,
    connection: Option<Connection>,
}

struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    _open: AbortOnDropHandle<()>,
}

impl OverHttp {
    pub(super) fn new(plan: Plan, keeps: bool) -> Self {
        Self { plan, keeps, connection: None }
    }

    /// The kept connection, unless the server said good-bye while nothing was asked: every client looks before it asks.
    async fn connect(&mut self) -> Result<Connection, Fault> {
        // Taken, so that one that fails, or is given up in the middle, is not used again.
        if let Some(mut kept) = self.connection.take()
            && kept.sender.ready().await.is_ok()
        {
            return Ok(kept);
        }
        let stream = TcpStream::connect(self.plan.address).await?;
        let (sender, open) = http1::handshake(TokioIo::new(stream)).await?;
        let open = AbortOnDropHandle::new(tokio::spawn(async move { drop(open.await) }));
        Ok(Connection { sender, _open: open })
    }

    async fn answer(&self, connection: &mut Connection) -> Result<Response<Incoming>, Fault> {
        let hint = if self.keeps { "keep-alive" } else { "close" };
        let request = Request::get(&self.plan.path)
            .header(header::HOST, self.plan.address.to_string())
            .header(header::CONNECTION, hint)
            .body(Empty::new())?;
        Ok(connection.sender.send_request(request).await?)
    }
}

#[async_trait]
impl Visitor for OverHttp {
    async fn ask(&mut self) -> Asked {
        let mut connection = match self.connect().await {
            Ok(connection) => connection,
            Err(error) => return Asked::unanswered(deepest(&*error)),
        };
        let answer = match self.answer(&mut connection).await {
            Ok(answer) => answer,
            Err(error)
                if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message) =>
            {
                return Asked::unanswered("the connection ended without an answer");
            }
            Err(error) => return Asked::unanswered(deepest(&*error)),
        };
        let release =
            answer.headers().get(RELEASE_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let read = match answer.status() {
            StatusCode::OK => read(answer.into_body()).await,
            _ => Err(status_line(&answer)),
        };
        let failure = read.err();
        if self.keeps && failure.is_none() {
            self.connection = Some(connection);
        }
        Asked { release, failure }
    }
}

/// To its end: a body that is cut off in the middle is not an answer.
async fn read(mut body: Incoming) -> Result<(), String> {
    while let Some(frame) = body.frame().await {
        frame.map_err(|error| format!("the body was cut off: {}", deepest(&error)))?;
    }
    Ok(())
}

fn status_line<T>(answer: &Response<T>) -> String {
    let said =
        answer.extensions().get::<ReasonPhrase>().map(|phrase| String::from_utf8_lossy(phrase.as_bytes()));
    let phrase = said.as_deref().or(answer.status().canonical_reason()).unwrap_or_default();
    format!("answered {:?} {} {phrase}", answer.version(), answer.status().as_u16()).trim_end().to_owned()
}

/// The deepest reason: what stands above it says less.
fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut source = error;
    while let Some(deeper) = source.source() {
        source = deeper;
    }
    source.to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// What a client that keeps its connection is told by a server that answers so, each time, and how many
    /// connections that took.
    async fn asked(answer: &'static str, closes: bool) -> (Vec<Asked>, usize) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (counted, mut connections) = tokio::sync::mpsc::unbounded_channel();
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                counted.send(()).unwrap();
                let mut request = [0; 1024];
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    if closes {
                        break;
                    }
                }
            }
        });
        let plan = Plan { address, path: "/".to_owned(), fresh: 0, kept: 1, pause: Duration::ZERO };
        let mut client = OverHttp::new(plan, true);
        let mut all = Vec::new();
        for _ in 0..3 {
            all.push(client.ask().await);
        }
        server.abort();
        let mut count = 0;
        while connections.try_recv().is_ok() {
            count += 1;
        }
        (all, count)
    }

    fn good(release: Option<&str>) -> Asked {
        Asked { release: release.map(str::to_owned), failure: None }
    }

    #[tokio::test]
    async fn a_chunked_answer_is_read_to_its_end_and_its_connection_used_again() {
        let chunked = "HTTP/1.1 200 OK\r\nsides-release: abc\r\ntransfer-encoding: chunked\r\n\r\n\
                       3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n";
        assert_eq!(asked(chunked, false).await, (vec![good(Some("abc")); 3], 1));
        let empty = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(asked(empty, false).await, (vec![good(None); 3], 1));
        let until_closed = "HTTP/1.1 200 OK\r\n\r\nall of it";
        assert_eq!(asked(until_closed, true).await, (vec![good(None); 3], 3));
    }

    #[tokio::test]
    async fn a_body_that_is_cut_off_fails_however_it_is_framed() {
        for cut in [
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\none",
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\none",
        ] {
            let (all, _) = asked(cut, true).await;
            let is_failure =
                |one: &Asked| one.failure.as_deref().is_some_and(|failure| failure.contains("cut off"));
            assert!(all.iter().all(is_failure), "{cut:?}: {all:?}");
        }
        let (all, connections) = asked("HTTP/1.1 200 OK\r\nconte", true).await;
        assert!(
            all.iter().all(|one| one.failure.is_some()) && connections == 3,
            "nothing is asked twice: {all:?}"
        );
    }

    #[tokio::test]
    async fn another_status_is_told_as_the_server_said_it() {
        let (all, _) =
            asked("HTTP/1.1 500 Broken\r\nsides-release: b\r\ncontent-length: 0\r\n\r\n", true).await;
        let broken =
            Asked { release: Some("b".to_owned()), failure: Some("answered HTTP/1.1 500 Broken".to_owned()) };
        assert_eq!(all, vec![broken; 3]);
    }
}
