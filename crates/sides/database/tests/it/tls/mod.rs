//! TLS as people meet it: each address is tried with psql and in each way in which a process connects, and the outcome
//! is the same. Where it is another one on purpose, the case says so.

mod cases;
mod place;

use cases::{Case, Outcome};
use futures_util::StreamExt as _;
use place::Place;

const AT_ONCE: usize = 4;

/// What is not as for psql, of these cases.
async fn faults(place: &Place, cases: &[Case]) -> Vec<String> {
    let checks = cases.iter().map(|case| place.check(case));
    let ends = futures_util::stream::iter(checks).buffered(AT_ONCE).collect::<Vec<_>>().await;
    ends.into_iter().filter_map(Result::err).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_address_ends_as_psql_has_it() {
    let place = Place::new().await;
    let mut faults = Vec::new();
    for (certificate, cases) in cases::by_certificate() {
        place.show(certificate).await;
        let all = self::faults(&place, &cases).await;
        faults.extend(all.into_iter().map(|fault| format!("[{certificate}] {fault}")));
    }
    place.stop().await;
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}
