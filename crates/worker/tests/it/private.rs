//! No way into the private network.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use models::ErrorKind;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use worker::fetch::{Clients, Fetcher};

use crate::{
    fetching::{fault, target},
    server::{Reply, Server},
};

/// Answers every name with the same, and counts.
#[derive(Clone)]
struct Names {
    answer: Result<Vec<SocketAddr>, io::ErrorKind>,
    asked: Arc<AtomicUsize>,
}

impl Names {
    fn answering(answer: Result<Vec<&str>, io::ErrorKind>) -> Self {
        let parse = |found: Vec<&str>| found.into_iter().map(|text| text.parse().unwrap()).collect();
        Self { answer: answer.map(parse), asked: Arc::default() }
    }
}

impl Resolve for Names {
    fn resolve(&self, _: Name) -> Resolving {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answer.clone();
        Box::pin(async move {
            let found = answer.map_err(|kind| io::Error::new(kind, "no such host"))?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn fetcher(private: bool, names: &Names) -> Fetcher {
    let egress = if private { "true" } else { "false" };
    let clients = Clients::new(egress.parse().unwrap(), "sides/test").unwrap().with_resolver(names.clone());
    Fetcher::new(&clients).unwrap()
}

#[tokio::test]
async fn a_private_address_is_refused_and_never_connected_to() {
    let server = Server::always(Reply::ok()).await;
    let names = Names::answering(Ok(vec!["127.0.0.1:0", "[::1]:0", "10.1.2.3:0", "[::ffff:127.0.0.1]:0"]));
    let port = server.address.port();
    for host in ["127.0.0.1", "localhost", "shop.example", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001"] {
        let seen = fetcher(false, &names).fetch(&format!("http://{host}:{port}/"), &target()).await;
        let (kind, words) = fault(seen);
        assert_eq!(kind, ErrorKind::PrivateAddress, "{host}: {words}");
    }
    assert_eq!(server.count(), 0);
    // The same server, when private addresses are allowed.
    let seen = fetcher(true, &names).fetch(&format!("http://shop.example:{port}/"), &target()).await;
    assert_eq!((seen.failure, server.count()), (None, 1));
}

#[tokio::test]
async fn every_connection_asks_for_its_name_again() {
    let server = Server::start(|request| match request.path.as_str() {
        "/" => Reply::To("/there".to_owned()),
        _ => Reply::ok(),
    })
    .await;
    let names = Names::answering(Ok(vec!["127.0.0.1:0"]));
    let fetcher = fetcher(true, &names);
    for _ in 0..2 {
        let url = format!("http://shop.example:{}/", server.address.port());
        assert_eq!(fetcher.fetch(&url, &target()).await.failure, None);
    }
    // Two fetches of two hops: nothing is remembered that could have changed in between.
    assert_eq!(names.asked.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_said_so() {
    for (answer, expected) in [
        (Ok(vec![]), "the host name shop.example has no address"),
        (Err(io::ErrorKind::NotFound), "cannot resolve the host name shop.example: no such host"),
    ] {
        let seen = fetcher(false, &Names::answering(answer)).fetch("http://shop.example/", &target()).await;
        assert_eq!(fault(seen), (ErrorKind::Dns, expected.to_owned()));
    }
}

#[tokio::test]
async fn a_clouds_metadata_stays_shut_where_private_addresses_are_open() {
    let server = Server::start(|_| Reply::To("http://169.254.169.254/latest/meta-data/".to_owned())).await;
    let names = Names::answering(Ok(vec!["169.254.169.254:0", "[fd00:ec2::254]:0"]));
    for url in [
        server.url("/"),
        "http://169.254.169.254/".to_owned(),
        "http://[::ffff:169.254.169.254]/".to_owned(),
        "http://metadata.example/".to_owned(),
    ] {
        let (kind, words) = fault(fetcher(true, &names).fetch(&url, &target()).await);
        assert_eq!(kind, ErrorKind::PrivateAddress, "{url}: {words}");
    }
}

#[tokio::test]
async fn one_range_can_be_opened_alone() {
    let server = Server::always(Reply::ok()).await;
    let fetcher =
        |egress: &str| Fetcher::new(&Clients::new(egress.parse().unwrap(), "sides/test").unwrap()).unwrap();
    assert_eq!(fetcher("127.0.0.0/8").fetch(&server.url("/"), &target()).await.failure, None);
    let seen = fetcher("10.0.0.0/8,192.168.0.0/16").fetch(&server.url("/"), &target()).await;
    assert_eq!(fault(seen).0, ErrorKind::PrivateAddress);
    assert_eq!(server.count(), 1);
}
