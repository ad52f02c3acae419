//! Ports for dynos.

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
};

use uuid::Uuid;

/// Below those that the system gives out by itself: there, a connection to a port that nobody has bound yet may be
/// given that very port and reach itself, and whoever asks for any port may be given one that a dyno is about to bind.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// Each is given out once in this process, and other processes begin elsewhere.
static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
    let [high, low, ..] = *Uuid::new_v4().as_bytes();
    AtomicU16::new(u16::from_be_bytes([high, low]))
});

/// A port that is free now.
pub(crate) fn free() -> u16 {
    (0..COUNT)
        .map(|_| FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("loopback has a free port")
}
