//! Setting up: the plan, carried out with faults on the way, once and again.

use std::collections::BTreeMap;

use sides_heroku::setup::{self, Step, Wanted};
use simulator::Fault;

use crate::fixture::client;

fn wanted() -> Wanted {
    let text = |text: &str| text.to_owned();
    let apps = [("web", "acme-web"), ("worker", "acme-worker"), ("clock", "acme-clock")];
    let common = [("DRAIN_SECONDS", "25")].map(|(name, value)| (text(name), text(value)));
    let web = [("HOST", "0.0.0.0"), ("DRAIN_SECONDS", "25"), ("ADMIN_TOKEN", "a-secret-of-the-admin")];
    let web: BTreeMap<_, _> = web.map(|(name, value)| (text(name), text(value))).into();
    Wanted {
        apps: apps.map(|(process, app)| (text(process), text(app))).into(),
        region: text("eu"),
        postgres: text("heroku-postgresql:essential-0"),
        preboot: true,
        config: [(text("web"), web), (text("worker"), common.clone().into()), (text("clock"), common.into())]
            .into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_made_once_whatever_happens_on_the_way() {
    let simulator = simulator::Heroku::start(simulator::Settings::default());
    let (client, wanted) = (client(&simulator), wanted());
    let plan = setup::plan(&client, &wanted).await.unwrap();
    assert_eq!(plan.iter().filter(|step| matches!(step, Step::CreateApp { .. })).count(), 3);
    assert_eq!(plan.iter().filter(|step| matches!(step, Step::AttachPostgres { .. })).count(), 2);
    let said: Vec<String> = plan.iter().map(ToString::to_string).collect();
    assert!(said.contains(&"turn on preboot for acme-web".to_owned()), "{said:?}");
    assert!(!said.join(" ").contains("a-secret-of-the-admin"), "{said:?}");
    assert!(!simulator.seen().iter().any(|one| one.method != "GET"), "a plan changed something");

    for (number, step) in plan.iter().enumerate() {
        match number % 3 {
            0 => simulator.inject(Fault::TooMany),
            1 => {}
            // Attaching is not repeated by itself: the next run would see what is missing.
            _ if matches!(step, Step::AttachPostgres { .. }) => {}
            _ => simulator.inject(Fault::LostAnswer),
        }
        setup::apply(&client, &wanted, step).await.unwrap();
    }
    assert_eq!(setup::plan(&client, &wanted).await.unwrap(), []);
    let [web, worker] = ["acme-web", "acme-worker"].map(|app| simulator.config(app));
    assert_eq!((&web["HOST"], &web["DATABASE_URL"]), (&"0.0.0.0".into(), &worker["DATABASE_URL"]));
    assert_eq!(simulator.breaches(), Vec::<String>::new());

    // With another token, exactly that is missing.
    let mut other = wanted.clone();
    other.config.get_mut("web").unwrap().insert("ADMIN_TOKEN".to_owned(), "another-secret".to_owned());
    let plan = setup::plan(&client, &other).await.unwrap();
    assert_eq!(
        plan,
        [Step::SetConfig { app: "acme-web".to_owned(), variables: vec!["ADMIN_TOKEN".to_owned()] }]
    );
}
