//! The suite that every place passes, with a process that has visitors and with one that has none.

use simulator::conformance as suite;

use crate::fixture::Fixture;

macro_rules! conforms {
    ($($case:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $case() {
            for process in ["web", "worker"] {
                let fixture = Fixture::of(process);
                suite::$case(&fixture).await;
                fixture.check();
            }
        }
    )*};
}

conforms!(
    puts_a_release,
    scales,
    restarts,
    runs_once,
    keeps_logs,
    gives_up_what_never_answers,
    replaces_what_vanishes,
    orders_survive_faults,
    two_deployers_leave_one_release,
);
