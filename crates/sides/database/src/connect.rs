//! One connection, to the first server of an address that is of the wanted kind, and why there is none.

mod advice;

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use tokio_postgres::{
    Client, Connection, SimpleQueryMessage, Socket, config::SslMode, error::SqlState, tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    DatabaseUrl, Target, UrlError,
    address::Server,
    chain,
    target::Standing,
    tls::{self, TlsError, is_of_tls},
};

use advice::advice;

/// A server that does not answer for so long is not waited for alone: the next one of the address is asked beside it.
const NEXT_AFTER: Duration = Duration::from_millis(300);

/// Why no connection could be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect to {url}")]
pub struct ConnectError {
    url: String,
    #[source]
    kind: ConnectErrorKind,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectErrorKind {
    #[error("cannot set up TLS")]
    Tls(#[source] Arc<TlsError>),
    #[error("cannot use the address")]
    Address(#[source] UrlError),
    #[error("the server did not accept the connection")]
    Server(#[source] tokio_postgres::Error),
    #[error("{advice}")]
    Advised {
        advice: String,
        #[source]
        error: tokio_postgres::Error,
    },
    /// Both ways failed that `sslmode` allows.
    #[error("{first}; {second}")]
    Both { first: String, second: String },
    #[error("{0}")]
    Target(&'static str),
    #[error(
        "the session does not act as {role}: a pooler drops the `options` parameter; connect to the server \
         itself, or configure the pooler to pass it on"
    )]
    Role { role: String },
    #[error("cannot set up the session")]
    Session(#[source] diesel::ConnectionError),
    #[error("no server in the address is suitable: {0}")]
    All(String),
}

impl ConnectError {
    pub(crate) fn new(url: &DatabaseUrl, kind: ConnectErrorKind) -> Self {
        Self { url: url.to_string(), kind }
    }

    /// Whether a server answered that is not of the kind that `target_session_attrs` asks for: by default, one that
    /// takes writes.
    #[must_use]
    pub const fn is_of_another_kind(&self) -> bool {
        matches!(self.kind, ConnectErrorKind::Target(_))
    }

    /// Whether a pooler on the way did not take the settings that the session was asked with.
    #[must_use]
    pub fn is_without_options(&self) -> bool {
        match &self.kind {
            ConnectErrorKind::Role { .. } => true,
            ConnectErrorKind::Server(error) | ConnectErrorKind::Advised { error, .. } => {
                error.as_db_error().is_some_and(|error| error.message().contains(WITHOUT_OPTIONS))
            }
            ConnectErrorKind::Both { first, second } => {
                [first, second].iter().any(|text| text.contains(WITHOUT_OPTIONS))
            }
            ConnectErrorKind::All(text) => text.contains(WITHOUT_OPTIONS),
            _ => false,
        }
    }
}

/// What PgBouncer says: "unsupported startup parameter: options", or "… in options: …".
const WITHOUT_OPTIONS: &str = "unsupported startup parameter";

/// Files that cannot be read matter only to a server that is asked with TLS.
type Tls = Result<MakeRustlsConnect, Arc<TlsError>>;
pub(crate) type Connected =
    (Client, Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>);

pub(crate) async fn open(url: &DatabaseUrl) -> Result<Connected, ConnectErrorKind> {
    let tls = tls::connector(url).map_err(Arc::new);
    let mut servers = url.servers().map_err(ConnectErrorKind::Address)?;
    if url.get("load_balance_hosts") == Some("random") {
        // Enough of a shuffle to spread sessions, from an id that no two connections share.
        let at = std::collections::hash_map::RandomState::new();
        let random = std::hash::BuildHasher::hash_one(&at, servers.len());
        let turn = usize::try_from(random % servers.len() as u64).unwrap_or(0);
        servers.rotate_left(turn);
    }
    match url.target() {
        Target::PreferStandby => match race(url, &servers, &tls, Target::PreferStandby).await {
            Ok(standby) => Ok(standby),
            Err(_) => race(url, &servers, &tls, Target::Any).await,
        },
        target => race(url, &servers, &tls, target).await,
    }
}

/// The first server that will do. One that is silent holds up the others for a moment only.
async fn race(
    url: &DatabaseUrl,
    servers: &[Server],
    tls: &Tls,
    target: Target,
) -> Result<Connected, ConnectErrorKind> {
    let mut waiting = servers.iter();
    let mut under_way = FuturesUnordered::new();
    let mut refused: Vec<(String, ConnectErrorKind)> = Vec::new();
    loop {
        if let Some(server) = waiting.next() {
            under_way.push(one(url, server, tls, target).map(move |answer| (server, answer)));
        }
        let answered = if waiting.len() == 0 {
            under_way.next().await
        } else {
            match tokio::time::timeout(NEXT_AFTER, under_way.next()).await {
                Ok(answered) => answered,
                Err(_) => continue,
            }
        };
        match answered {
            Some((_, Ok(connected))) => return Ok(connected),
            Some((server, Err(kind))) => refused.push((server.to_string(), kind)),
            None => break,
        }
    }
    if refused.len() == 1
        && let Some((_, kind)) = refused.pop()
    {
        return Err(kind);
    }
    let all = refused.iter().map(|(server, kind)| format!("{server}: {}", chain(kind)));
    Err(ConnectErrorKind::All(all.collect::<Vec<_>>().join("; ")))
}

/// One server, with TLS, without, or first the one and then the other, as `sslmode` says.
async fn one(
    url: &DatabaseUrl,
    server: &Server,
    tls: &Tls,
    target: Target,
) -> Result<Connected, ConnectErrorKind> {
    // On a socket nobody listens in, and Postgres offers no TLS: `sslmode` says nothing there, as for libpq.
    let tries = if server.is_socket() { &[SslMode::Disable] } else { url.tls_mode().tries() };
    let mut first: Option<String> = None;
    for mode in tries {
        let error = match attempt(url, server, tls, *mode, target).await {
            Ok(connected) => return Ok(connected),
            Err(error) => error,
        };
        let is_last = tries.last() == Some(mode);
        match first {
            None if !is_last && error.may_do_otherwise(*mode) => first = Some(said(*mode, &error)),
            None => return Err(error),
            // Also where the server has no TLS, so that both tries were one.
            Some(first) if first.ends_with(&chain(&error)) => return Err(error),
            // A server that answered and is not the wanted one has said all that there is to say.
            Some(_) if !error.is_of_the_server() => return Err(error),
            Some(first) => return Err(ConnectErrorKind::Both { first, second: said(*mode, &error) }),
        }
    }
    Err(ConnectErrorKind::Target("sslmode leaves no way to ask the server"))
}

fn said(mode: SslMode, error: &ConnectErrorKind) -> String {
    let how = if mode == SslMode::Disable { "without TLS" } else { "with TLS" };
    format!("{how}: {}", chain(error))
}

impl ConnectErrorKind {
    fn is_of_the_server(&self) -> bool {
        matches!(self, Self::Tls(_) | Self::Server(_) | Self::Advised { .. })
    }

    /// Whether another `sslmode` could help.
    fn may_do_otherwise(&self, mode: SslMode) -> bool {
        match self {
            Self::Tls(_) => true,
            Self::Server(error) | Self::Advised { error, .. } => {
                // Who may come in is a matter of how he comes: pg_hba.conf has hostssl and hostnossl.
                let is_of_access = error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
                is_of_access || (mode != SslMode::Disable && is_of_tls(error))
            }
            _ => false,
        }
    }
}

async fn attempt(
    url: &DatabaseUrl,
    server: &Server,
    tls: &Tls,
    mode: SslMode,
    target: Target,
) -> Result<Connected, ConnectErrorKind> {
    let mut config = url.client_config(server).map_err(ConnectErrorKind::Address)?;
    config.ssl_mode(mode);
    let tls = match (tls, mode) {
        (Ok(tls), _) => tls.clone(),
        (Err(_), SslMode::Disable) => tls::none().map_err(|error| ConnectErrorKind::Tls(Arc::new(error)))?,
        (Err(error), _) => return Err(ConnectErrorKind::Tls(Arc::clone(error))),
    };
    let refused = |error: tokio_postgres::Error| match advice(url, server, &config, &error) {
        Some(advice) => ConnectErrorKind::Advised { advice, error },
        None => ConnectErrorKind::Server(error),
    };
    let (client, mut connection) = config.connect(tls).await.map_err(refused)?;
    let role = url.role();
    if target == Target::Any && role.is_none() {
        return Ok((client, connection));
    }
    let asked = client.simple_query(
        "SELECT pg_is_in_recovery(), current_setting('transaction_read_only'), current_setting('role')",
    );
    let answer = tokio::select! {
        answer = asked => answer.map_err(ConnectErrorKind::Server)?,
        ended = &mut connection => {
            ended.map_err(ConnectErrorKind::Server)?;
            return Err(ConnectErrorKind::Target("the server ended the session"));
        }
    };
    let said = |at: usize| {
        answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(at),
            _ => None,
        })
    };
    let standing = Standing { in_recovery: said(0) == Some("t"), read_only: said(1) == Some("on") };
    if let Some(refusal) = target.refusal(standing) {
        return Err(ConnectErrorKind::Target(refusal));
    }
    match role {
        Some(role) if said(2) != Some(role) => Err(ConnectErrorKind::Role { role: role.to_owned() }),
        _ => Ok((client, connection)),
    }
}
