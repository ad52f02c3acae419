//! The smallest process that answers: for this crate's tests.
//!
//! Says its process id to every request on its ops address. With a first argument, also on the inherited `LISTEN_FD`.
//! Of those that find the variable `BUSY_FILE`, the first one, which makes that file, says on `/status` that it is busy. `BALLAST_MB` is how much memory it takes beside.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    os::fd::FromRawFd as _,
    sync::atomic::{AtomicBool, Ordering},
};

static BUSY: AtomicBool = AtomicBool::new(false);

fn main() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is set"));
    let ops = format!("{}:{}", variable("OPS_HOST"), variable("OPS_PORT"));
    if std::env::args().nth(1).is_some() {
        let number = variable("LISTEN_FD").parse().expect("LISTEN_FD is a number");
        #[expect(unsafe_code, reason = "a descriptor is inherited by its number")]
        // SAFETY: whoever sets LISTEN_FD opened it for this process, and nothing else here uses it.
        let inherited = unsafe { TcpListener::from_raw_fd(number) };
        inherited.set_nonblocking(false).expect("the descriptor is a socket");
        std::thread::spawn(move || serve(&inherited));
    }
    let busy = std::env::var("BUSY_FILE").is_ok_and(|file| std::fs::File::create_new(file).is_ok());
    BUSY.store(busy, Ordering::Relaxed);
    let megabytes = std::env::var("BALLAST_MB").ok().and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    let ballast = vec![1_u8; megabytes << 20];
    println!("listening on {ops}");
    std::hint::black_box(&ballast);
    serve(&TcpListener::bind(ops).expect("the ops port is free"));
}

fn serve(listener: &TcpListener) {
    for mut stream in listener.incoming().flatten() {
        let mut request = [0; 1024];
        if stream.read(&mut request).is_ok() {
            let answer = match request.starts_with(b"GET /status ") {
                true => format!("{{\"busy\": {}}}\n", u8::from(BUSY.load(Ordering::Relaxed))),
                false => format!("{}\n", std::process::id()),
            };
            let head =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", answer.len());
            // A client that has gone away is not this program's concern.
            drop(stream.write_all((head + &answer).as_bytes()));
        }
    }
}
