//! Preboot: nobody notices a release, and nobody may scale inside its window.

use std::time::Duration;

use platform::place::{Place as _, PlaceError, Why};
use sides_heroku::{Heroku, Settings};
use simulator::conformance::{Build, Harness as _};

use crate::fixture::{Fixture, WEB_APP, client, http, settings};

fn why() -> Why {
    Why { asked_by: "a test".to_owned(), reason: "to see it".to_owned() }
}

async fn put(fixture: &Fixture, build: Build) -> String {
    let (release, bundle) = fixture.build(build);
    fixture.place.offer("web", &release, &bundle).await.unwrap();
    fixture.place.put("web", &release, &why()).await.unwrap();
    release
}

#[tokio::test(flavor = "multi_thread")]
async fn with_preboot_nobody_is_failed_and_scaling_waits_for_the_window() {
    let mut fixture = Fixture::of("web");
    put(&fixture, Build::First).await;
    fixture.place.learn().await.unwrap();
    let gap = fixture.place.abilities("web").gap;
    assert!(!gap.is_zero() && !fixture.place.abilities("web").surges, "without preboot there is a gap");
    assert!(fixture.place.abilities("worker").gap.is_zero());

    fixture.simulator.enable(WEB_APP, "preboot");
    fixture.place.learn().await.unwrap();
    assert!(fixture.place.abilities("web").gap.is_zero() && fixture.place.abilities("web").surges);

    let (visitor, done) = (http(&fixture.simulator), std::sync::atomic::AtomicBool::new(false));
    let (release, visits) = tokio::join!(
        async {
            let release = put(&fixture, Build::Second).await;
            done.store(true, std::sync::atomic::Ordering::SeqCst);
            release
        },
        async {
            let (mut visits, url) = (Vec::new(), format!("http://{WEB_APP}.herokuapp.com/"));
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                let answer = visitor.get(&url).send().await.unwrap();
                visits.push((answer.status().as_u16(), answer.text().await.unwrap()));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            visits
        }
    );
    assert!(visits.iter().all(|(status, _)| *status == 200), "{visits:?}");
    assert_eq!(visits[0].1, "first", "the old dynos serve on: {visits:?}");
    let last =
        visitor.get(format!("http://{WEB_APP}.herokuapp.com/")).send().await.unwrap().text().await.unwrap();
    assert_eq!(last, release, "the order was called done before visitors met the release");
    fixture.place.scale("web", 2, &why()).await.expect("the window is over");
    fixture.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn scaling_inside_the_window_is_refused_before_heroku_is_asked() {
    let fixture = Fixture::of("web");
    put(&fixture, Build::First).await;
    fixture.simulator.enable(WEB_APP, "preboot");
    // Somebody else releases, and does not wait.
    let version = fixture.simulator.seen().iter().filter(|one| one.path.ends_with("/releases")).count();
    assert!(version > 0);
    fixture.simulator.release_again(WEB_APP, 1);
    // A window that is open still, however busy the machine is.
    let patient = Settings { preboot_window: Duration::from_secs(600), ..settings() };
    let place = Heroku::new("heroku", client(&fixture.simulator), patient);
    let refused = place.scale("web", 2, &why()).await.unwrap_err();
    assert!(
        matches!(&refused, PlaceError::TooEarly { again_in, .. } if again_in.as_secs() > 500),
        "{refused}"
    );
    let asked = fixture
        .simulator
        .seen()
        .iter()
        .filter(|one| one.method == "PATCH" && one.body["updates"][0]["quantity"] == 2)
        .count();
    assert_eq!(asked, 0);
}
