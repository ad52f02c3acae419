use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sides_platform::local::{Launch, Ports};

use crate::bench::{DEADLINE, LOOPBACK, answerer, launch, next_line, started, supervisor, wait_until_ready};

/// Which instance answers on the shared listener: its pid.
pub(crate) fn ask(address: SocketAddr) -> u32 {
    let mut stream = TcpStream::connect(address).expect("a connection is never refused");
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.trim_end().rsplit('\n').next().unwrap().parse().unwrap_or_else(|_| panic!("{answer:?}"))
}

#[tokio::test]
async fn a_request_during_a_restart_waits_and_is_answered_by_the_next_copy() {
    let (mut supervisor, mut watch) = supervisor(Duration::from_secs(5));
    let listener = Arc::new(Ports::default().listen(LOOPBACK, 0).unwrap());
    let address = listener.local_addr().unwrap();
    supervisor.keep(Launch {
        listener: Some(Arc::clone(&listener)),
        page: Some(address),
        ..answerer("web", "public")
    });
    let first = started(&mut watch, "web").await;
    wait_until_ready(&mut watch, "web").await;
    assert_eq!(tokio::task::spawn_blocking(move || ask(address)).await.unwrap(), first);

    kill(Pid::from_raw(first.try_into().unwrap()), Signal::SIGKILL).unwrap();
    crate::bench::wait_until_gone(first).await;
    // Asked while nothing runs: only the supervisor holds the socket.
    let answered = tokio::task::spawn_blocking(move || ask(address));
    let second = started(&mut watch, "web").await;
    assert_eq!(answered.await.unwrap(), second);
    supervisor.drain().await;
}

#[tokio::test]
async fn only_the_process_that_gets_the_listener_inherits_it() {
    let (mut supervisor, mut watch) = supervisor(Duration::from_secs(5));
    let listener = Arc::new(Ports::default().listen(LOOPBACK, 0).unwrap());
    let show = "sh -c 'echo fd=$LISTEN_FD; ls -l /proc/self/fd | grep -c socket: ; exec sleep 600'";
    supervisor.keep(launch("worker", show));
    assert_eq!(next_line(&mut watch).await.text, "fd=");
    assert_eq!(next_line(&mut watch).await.text, "0");
    supervisor.keep(Launch { listener: Some(Arc::clone(&listener)), ..launch("web", show) });
    use std::os::fd::AsRawFd as _;
    assert_eq!(next_line(&mut watch).await.text, format!("fd={}", listener.as_raw_fd()));
    assert_eq!(next_line(&mut watch).await.text, "1");
    supervisor.drain().await;
}
