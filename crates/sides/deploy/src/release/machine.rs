//! The load of the machine that releases, measured by requests to a trivial server in this process. No release
//! affects them, so when they become slower, the machine did.

use std::{io, net::SocketAddr, time::Duration};

use platform::prober::{Plan, Prober, Seen};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_util::task::AbortOnDropHandle;

const CLIENTS: usize = 2;
const PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Machine {
    prober: Prober,
    _server: AbortOnDropHandle<()>,
}

impl Machine {
    /// Asks from now on, until it is dropped.
    pub(super) async fn watch() -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let server = AbortOnDropHandle::new(tokio::spawn(serve(listener)));
        let plan = Plan { address, path: "/".to_owned(), fresh: 0, kept: CLIENTS, pause: PAUSE };
        Ok(Self { prober: Prober::start(&plan), _server: server })
    }

    /// What was seen since the last call.
    pub(super) fn lap(&self) -> Seen {
        self.prober.lap()
    }
}

async fn serve(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut request = [0; 1024];
            // One packet is one request: the clients are ours.
            while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.is_err() {
                    return;
                }
            }
        });
    }
}
