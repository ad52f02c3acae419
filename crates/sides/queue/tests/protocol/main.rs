//! The protocol of claims and leases as a small model, every order of its steps explored.
//!
//! Two runners and two jobs. Any message may be late or lost, any runner may stand still beyond its lease and go on, lose its
//! connection, or die; the server may restart. The first runner shows by a lock that it lives, and its lease is ended early when
//! the lock is gone; the other shows none, as one of another language. What a runner believes of its own lease plays no part
//! in what is safe: only the fence does.
#![allow(missing_docs, clippy::unwrap_used)]

mod model;
mod state;

use stateright::{Checker as _, Model as _};

use crate::model::{Fault, Protocol};

#[test]
fn no_order_of_steps_loses_or_doubles_a_job() {
    let checker = Protocol(Fault::None).checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.is_done());
    println!("{} states", checker.unique_state_count());
    assert!(checker.unique_state_count() > 1_000, "the model does not move");
}

#[test]
fn each_part_that_is_left_out_is_missed() {
    for (fault, property) in [
        (Fault::NoFence, "only the holder's outcome counts"),
        (Fault::OwnerOnly, "only the holder's outcome counts"),
        (Fault::NoReconciliation, "every job is over"),
        (Fault::NoRescue, "every job is over"),
        (Fault::RescueOfTheLiving, "a job runs again only when its lease was lost"),
        (Fault::PresumedInSpiteOfTheLock, "a job runs again only when its lease was lost"),
        (Fault::PresumedWithoutALock, "a job runs again only when its lease was lost"),
        (Fault::RemembersAcrossARestart, "a job runs again only when its lease was lost"),
    ] {
        let wanted = stateright::HasDiscoveries::AnyOf([property].into());
        let checker = Protocol(fault).checker().threads(2).finish_when(wanted).spawn_bfs().join();
        println!("{fault:?}: {:?}", checker.discoveries().keys().collect::<Vec<_>>());
        assert!(checker.discovery(property).is_some(), "{fault:?} is not noticed by `{property}`");
    }
}
