//! A cable to a server that can be cut, held still, and mended.

use std::io;

use database::DatabaseUrl;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};

/// A TCP proxy in front of a database. Ends when dropped.
pub struct Cable {
    url: DatabaseUrl,
    state: watch::Sender<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    /// Connections end, and new ones end at once.
    Cut,
    /// Nothing ends, and nothing comes through any more.
    Still,
}

impl Cable {
    /// Lays a cable to a database.
    ///
    /// # Panics
    /// When no socket can be had.
    pub async fn to(database: &DatabaseUrl) -> Self {
        let exposed = database.expose();
        let (before, rest) = exposed.split_once("://").expect("an address has a scheme");
        let (authority, path) = rest.split_once('/').expect("an address has a path");
        let (user, server) = authority.rsplit_once('@').expect("a test's address has a user");
        let server = server.replace("%2F", "/");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let url = format!("{before}://{user}@{address}/{path}").parse().expect("it is an address again");
        let (state, watcher) = watch::channel(State::Whole);
        tokio::spawn(async move {
            let mut gone = watcher.clone();
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = async { while gone.changed().await.is_ok() {} } => return,
                };
                if let Ok((client, _)) = accepted {
                    tokio::spawn(carry(client, server.clone(), watcher.clone()));
                }
            }
        });
        Self { url, state }
    }

    /// The database as it is reached over this cable.
    #[must_use]
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Ends what goes over it, until it is mended.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Lets nothing through any more and says nothing to either end, until it is mended.
    pub fn hold(&self) {
        self.state.send_replace(State::Still);
    }

    /// Connections work again. What was held still stays lost.
    pub fn mend(&self) {
        self.state.send_replace(State::Whole);
    }
}

async fn carry(client: TcpStream, server: String, mut state: watch::Receiver<State>) {
    let first = *state.borrow_and_update();
    match first {
        State::Cut => {}
        State::Still => still(&mut state).await,
        // A server is a host and a port, or a socket's folder.
        State::Whole if server.starts_with('/') => {
            let server = UnixStream::connect(format!("{server}/.s.PGSQL.5432")).await;
            join(client, server, &mut state).await;
        }
        State::Whole => join(client, TcpStream::connect(server).await, &mut state).await,
    }
}

async fn join<S: AsyncRead + AsyncWrite + Unpin>(
    mut client: TcpStream,
    server: io::Result<S>,
    state: &mut watch::Receiver<State>,
) {
    let Ok(mut server) = server else { return };
    tokio::select! {
        ended = tokio::io::copy_bidirectional(&mut client, &mut server) => return drop(ended),
        _ = state.changed() => {}
    }
    // Both ends stay open, and neither hears anything of the other.
    still(state).await;
}

/// Until the cable is cut or taken away.
async fn still(state: &mut watch::Receiver<State>) {
    while *state.borrow_and_update() == State::Still && state.changed().await.is_ok() {}
}
