//! A connection that is read no further ahead than its answers allow.
//!
//! Anyone who sends requests without reading the answers has them decoded and kept anyway, and a request of twenty
//! bytes is kept in some seven thousand. So only a few requests beyond those that were answered are handed to the server;
//! the rest waits where the kernel makes the sender wait.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{rt::net::TcpStream, web::Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How many empty lines, which is how the heads of requests end, may be read without an answer.
const AHEAD: usize = 16;
/// How much is taken from the socket at once, in bytes.
const AT_ONCE: usize = 8 * 1024;
/// A body may have empty lines, too. While answers are taken, reading goes on after so long.
const PAUSE: Duration = Duration::from_millis(50);

/// A connection and how far it may be read.
pub(crate) struct Paced {
    connection: TcpStream,
    /// Read from the socket, and not handed on.
    kept: Bytes,
    /// The empty lines that were handed on since the last answer.
    heads: usize,
    line_is_empty: bool,
    /// The other side takes no more of its answers now.
    is_blocked: bool,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Paced {
    pub(crate) fn new(connection: TcpStream) -> Self {
        let kept = Bytes::new();
        Self { connection, kept, heads: 0, line_is_empty: false, is_blocked: false, pause: None }
    }

    pub(crate) fn connection(&self) -> &TcpStream {
        &self.connection
    }

    /// Whether more may be read. Otherwise the task is woken when it may: by its next write, or by the pause's end.
    fn may_go_on(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.heads < AHEAD {
            return Poll::Ready(());
        }
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(PAUSE)));
        if self.is_blocked {
            return Poll::Pending;
        }
        ready!(pause.as_mut().poll(cx));
        self.answered();
        Poll::Ready(())
    }

    fn answered(&mut self) {
        (self.heads, self.pause) = (0, None);
    }

    /// As much of what is kept as there is room for, up to the last head that may be read.
    fn hand_on(&mut self, room: usize) -> Bytes {
        let mut length = 0;
        for byte in self.kept.iter().take(room) {
            length += 1;
            match byte {
                b'\n' if self.line_is_empty => {
                    (self.heads, self.line_is_empty) = (self.heads + 1, false);
                    if self.heads == AHEAD {
                        break;
                    }
                }
                b'\n' => self.line_is_empty = true,
                b'\r' => {}
                _ => self.line_is_empty = false,
            }
        }
        self.kept.split_to(length)
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.may_go_on(cx));
        if self.kept.is_empty() {
            let mut space = [0; AT_ONCE];
            let mut read = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.connection).poll_read(cx, &mut read))?;
            self.kept = Bytes::copy_from_slice(read.filled());
        }
        let bytes = self.hand_on(buffer.remaining());
        buffer.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection).poll_write(cx, bytes);
        self.is_blocked = written.is_pending();
        if written.is_ready() {
            if self.heads >= AHEAD {
                // Nobody else would say that reading may go on.
                cx.waker().wake_by_ref();
            }
            self.answered();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        time::timeout,
    };

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
    /// Far more than a loopback connection needs.
    const SOON: Duration = Duration::from_millis(20);

    async fn pair() -> (Paced, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Paced::new(listener.accept().await.unwrap().0), client)
    }

    /// What can be read until a wait of [`SOON`].
    async fn read(connection: &mut Paced) -> Vec<u8> {
        let mut read = Vec::new();
        while let Ok(length) = timeout(SOON, connection.read_buf(&mut read)).await {
            if length.unwrap() == 0 {
                break;
            }
        }
        read
    }

    #[tokio::test]
    async fn requests_are_read_as_far_as_answers_allow() {
        let (mut server, mut client) = pair().await;
        client.write_all(&REQUEST.repeat(40)).await.unwrap();
        assert_eq!(read(&mut server).await.len(), AHEAD * REQUEST.len());
        server.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        assert_eq!(read(&mut server).await.len(), AHEAD * REQUEST.len());
        server.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        assert_eq!(read(&mut server).await.len(), 8 * REQUEST.len());
    }

    #[tokio::test]
    async fn who_takes_no_answer_is_read_no_further() {
        let (mut server, mut client) = pair().await;
        client.write_all(&REQUEST.repeat(40)).await.unwrap();
        let answer = vec![b'x'; 64 * 1024 * 1024];
        timeout(SOON, server.write_all(&answer)).await.expect_err("nobody reads it");
        let read = read(&mut server).await.len() + read(&mut server).await.len() + {
            sleep(PAUSE * 2).await;
            read(&mut server).await.len()
        };
        assert_eq!(read, AHEAD * REQUEST.len());
    }

    #[tokio::test]
    async fn a_body_of_empty_lines_comes_through() {
        let (mut server, mut client) = pair().await;
        let body = b"\n".repeat(100);
        client.write_all(&body).await.unwrap();
        client.shutdown().await.unwrap();
        let mut whole = Vec::new();
        timeout(Duration::from_secs(20), server.read_to_end(&mut whole)).await.unwrap().unwrap();
        assert_eq!(whole, body);
    }
}
