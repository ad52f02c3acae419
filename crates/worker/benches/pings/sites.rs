//! HTTP servers that answer at once, and one that never does.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::arguments::Arguments;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

/// Listening until dropped.
pub(crate) struct Sites {
    pub(crate) ports: Vec<i32>,
    pub(crate) dead_port: i32,
    _accepting: JoinSet<()>,
}

impl Sites {
    pub(crate) async fn open(arguments: &Arguments) -> std::io::Result<Self> {
        let mut accepting = JoinSet::new();
        let mut ports = Vec::new();
        for _ in 0..arguments.servers {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            ports.push(listener.local_addr()?.port().into());
            accepting.spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(answer(stream));
                }
            });
        }
        let silent = TcpListener::bind("127.0.0.1:0").await?;
        let dead_port = silent.local_addr()?.port().into();
        accepting.spawn(async move {
            let mut held = JoinSet::new();
            while let Ok((mut stream, _)) = silent.accept().await {
                held.spawn(
                    async move { while stream.read(&mut [0; 512]).await.is_ok_and(|read| read > 0) {} },
                );
                while held.try_join_next().is_some() {}
            }
        });
        Ok(Self { ports, dead_port, _accepting: accepting })
    }
}

async fn answer(mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    // Who hangs up meanwhile shows up as a failed ping.
    if stream.write_all(ANSWER).await.is_ok() {
        stream.shutdown().await.ok();
    }
}
