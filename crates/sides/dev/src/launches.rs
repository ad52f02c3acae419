//! From Procfiles to launches: addresses, environment, the listening socket.

use std::{
    ffi::{OsStr, OsString},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use manifest::{Manifest, Role};
use platform::{
    local::{Launch, Ports, find_program},
    procfile::{self, Procfile},
};

use super::{admin_token, build::Built, dev::Dev};
use terminal::tell;
use workspace::manifest_of;

/// The variable with the secret that signs a person in: made here for the processes that say that they have it.
const ADMIN_TOKEN: &str = "ADMIN_TOKEN";

/// A person waits in front of the terminal, so jobs get less time to finish than elsewhere.
const DRAIN_SECONDS: &str = "8";

/// Prepares every process: binds web's listener, makes the token, says what was chosen.
pub(super) async fn prepare(
    dev: &Dev,
    procfiles: Vec<Procfile>,
    built: &Built,
    database_url: &str,
    ports: &Ports,
) -> anyhow::Result<Vec<Launch>> {
    let processes = ask(dev, procfiles, built).await;
    let token = admin_token::find_or_make(&dev.workspace)?;
    if token.is_ours {
        let file = dev.workspace.admin_token_file();
        dev.status.send_modify(|status| status.admin_token_file = Some(file));
    }
    let mut launches = Vec::new();
    for (index, (procfile, manifest)) in processes.into_iter().enumerate() {
        let mut launch = Launch {
            folder: dev.workspace.root().to_owned(),
            path: built.path.clone(),
            environment: vec![("DATABASE_URL".to_owned(), database_url.into())],
            listener: None,
            page: None,
            release: None,
            memory_limit: None,
            ops_host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ops_port: ops_port(dev.options.port, index),
            procfile,
        };
        for (name, value) in [("DRAIN_SECONDS", DRAIN_SECONDS), ("LOG_FORMAT", "pretty")] {
            set_unless_inherited(&mut launch, name, value);
        }
        if manifest.listens {
            give_address(dev, &mut launch, ports)?;
        }
        if manifest.secrets.contains(ADMIN_TOKEN) {
            launch.environment.push((ADMIN_TOKEN.to_owned(), OsString::from(&token.token)));
        }
        launches.push(launch);
    }
    Ok(launches)
}

/// What each program says of itself, in the order on the screen: who answers visitors, who works jobs, who fires
/// schedules, and the others by name.
async fn ask(dev: &Dev, procfiles: Vec<Procfile>, built: &Built) -> Vec<(Procfile, Manifest)> {
    let mut all = Vec::new();
    for procfile in procfiles {
        let program = find_program(&procfile.program, dev.workspace.root(), &built.path);
        let said = match program {
            Some(program) => manifest_of(&program).await,
            None => None,
        };
        let manifest =
            conventional(said.unwrap_or_else(|| Manifest::new(&procfile.name, "")), &procfile.name);
        all.push((procfile, manifest));
    }
    all.sort_by_cached_key(|(procfile, manifest)| (position(manifest), procfile.name.clone()));
    all
}

/// With what is meant by the name alone, for programs that do not say what they are.
fn conventional(mut manifest: Manifest, process: &str) -> Manifest {
    if process == procfile::WEB {
        manifest.listens = true;
        manifest.secrets.insert(ADMIN_TOKEN.to_owned());
    }
    manifest
}

fn position(manifest: &Manifest) -> usize {
    Role::ALL.iter().position(|role| manifest.has_role(*role)).unwrap_or(Role::ALL.len())
}

/// Behind the page's port in the order of the processes: 3001, 3002, 3003 … Any free one when any will do.
fn ops_port(page_port: u16, index: usize) -> u16 {
    if page_port == 0 {
        return 0;
    }
    let behind = u16::try_from(index + 1).unwrap_or(u16::MAX);
    page_port.checked_add(behind).unwrap_or(0)
}

fn give_address(dev: &Dev, launch: &mut Launch, ports: &Ports) -> anyhow::Result<()> {
    let (host, wanted) = (dev.options.host, dev.options.port);
    let listener = ports.listen(host, wanted)?;
    let address = listener.local_addr()?;
    if wanted != 0 && address.port() != wanted {
        let text = format!("port {wanted} is in use; serving on {} instead", address.port());
        dev.screen.line(&tell::notice(dev.screen.palette, &text));
    }
    if !host.is_loopback() {
        let text = format!("{host} can be reached from other machines");
        dev.screen.line(&tell::notice(dev.screen.palette, &text));
    }
    dev.status.send_modify(|status| status.address = Some(page(address)));
    let environment = [("HOST", host.to_string()), ("PORT", address.port().to_string())];
    launch.environment.extend(environment.map(|(name, value)| (name.to_owned(), value.into())));
    launch.listener = Some(Arc::new(listener));
    launch.page = Some(address);
    Ok(())
}

/// What a browser on this machine opens.
fn page(address: SocketAddr) -> String {
    let host = match address.ip() {
        IpAddr::V4(host) if host.is_unspecified() => "127.0.0.1".to_owned(),
        IpAddr::V4(host) => host.to_string(),
        IpAddr::V6(host) if host.is_unspecified() => "[::1]".to_owned(),
        IpAddr::V6(host) => format!("[{host}]"),
    };
    format!("http://{host}:{}", address.port())
}

fn set_unless_inherited(launch: &mut Launch, name: &str, value: impl AsRef<OsStr>) {
    if std::env::var_os(name).is_none() {
        launch.environment.push((name.to_owned(), value.as_ref().to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_what_it_says_and_what_procfiles_take_it_for() {
        let silent = |name: &str| conventional(Manifest::new(name, ""), name);
        let (web, other) = (silent("web"), silent("mail"));
        let page = Manifest { listens: true, ..Manifest::new("page", "") };
        assert!(conventional(page, "page").listens);
        assert!(
            web.listens && web.secrets.contains(ADMIN_TOKEN) && !other.listens && other.secrets.is_empty()
        );
        let worker = Manifest { works: true, ..Manifest::new("mail", "") };
        let clock = Manifest { fires: true, ..Manifest::new("tick", "") };
        assert_eq!([&web, &worker, &clock, &other].map(position), [0, 1, 2, 3]);
    }

    #[test]
    fn ops_ports_follow_the_page() {
        assert_eq!([0, 1, 2].map(|index| ops_port(3000, index)), [3001, 3002, 3003]);
        assert_eq!((ops_port(0, 1), ops_port(u16::MAX, 0)), (0, 0));
    }

    #[test]
    fn the_page_is_an_address_that_a_browser_opens() {
        for (bound, opened) in [
            ("127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(page(bound.parse().unwrap()), opened);
        }
    }
}
