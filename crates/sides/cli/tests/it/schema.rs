//! `sides migration` finds the database that `dev` uses.

use nix::sys::signal::Signal;

use crate::sandbox::{Sandbox, signal, text};

#[tokio::test(flavor = "multi_thread")]
async fn the_private_database_is_migrated_with_and_without_a_dev() {
    let sandbox = Sandbox::with(&["clock"]).with_migrations();
    let pending = text(&sandbox.run(&["migration", "status"]).stdout);
    assert!(pending.contains("chassis") && pending.contains("pending"), "{pending}");
    assert_eq!(sandbox.residents(), [], "Postgres stays no longer than the command");
    assert_eq!(sandbox.run(&["migration", "up"]).status.code(), Some(0));

    let mut dev = sandbox.dev();
    dev.ready().await;
    let server =
        || sandbox.residents().into_iter().filter(|(_, line)| line.contains(" -D ")).collect::<Vec<_>>();
    let before = server();
    let applied = text(&sandbox.run(&["migration", "status"]).stdout);
    assert!(applied.contains("chassis") && applied.contains("0 pending"), "{applied}");
    assert_eq!(server(), before, "the running one is used and left running");
    signal(dev.pid(), Signal::SIGTERM);
    assert_eq!(dev.ended().await.code(), Some(0));
    assert_eq!(sandbox.residents(), []);
}
