//! What runs at a simulated Heroku is rehearsed on a stage of this machine, and its place is only asked.

use std::{fs, process::Output};

use serde_json::Value;

use crate::{
    cloud::{WEB, WORKER, World},
    planning::{commit, git},
    rehearsing::{GREETS, WORKS},
    releasing::{ended, receipt},
    rows,
    sandbox::copy_migrations,
    toy,
};

async fn rehearse(world: &World, arguments: &[&str], token: Option<&str>) -> Output {
    let mut command = world.command(&[&["rehearse", "--bake", "0"], arguments].concat());
    match token {
        Some(token) => command.env("HEROKU_API_KEY", token),
        None => command.env_remove("HEROKU_API_KEY"),
    };
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What was done at Heroku, and not only asked.
fn orders(world: &World) -> Vec<String> {
    let seen = world.heroku.seen().into_iter().filter(|one| one.method != "GET");
    seen.map(|one| format!("{} {}", one.method, one.path)).collect()
}

fn lines(rehearsal: &Value, which: &str) -> String {
    let lines = rehearsal[which].as_array().unwrap_or_else(|| panic!("no {which} in {rehearsal}"));
    lines.iter().map(|line| format!("{}\n", line.as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_process_is_on_the_stage_wherever_it_lives_and_its_place_is_only_asked() {
    let mut world = World::new(&format!("{WEB}{WORKER}")).await;
    let sandbox = &world.sandbox;
    copy_migrations(sandbox);
    toy::write_program(sandbox, "worker", &toy::program_that_says("one", WORKS));
    fs::write(sandbox.file(".gitignore"), "/target\n/.sides\n/deploy\n/migrations\n/Cargo.lock\n").unwrap();
    git(sandbox, &["init", "--quiet"]);
    let first = commit(sandbox);
    world.release(0).await;
    let (given, token) = (orders(&world), world.heroku.token().to_owned());

    // With a token: the place says what runs there.
    toy::write_program(sandbox, "web", &toy::program_that_says("two", GREETS));
    let good = receipt(&rehearse(&world, &["--json"], Some(&token)).await, 0);
    assert_eq!((&good["outcome"], &good["requests"]["failed"]), (&"released".into(), &0.into()), "{good}");
    let (web, place) = (&good["processes"]["web"], &good["rehearsal"]["remote"]["web"]);
    assert!(web["from"].is_string() && web.get("place").is_none(), "old and new, both on the stage: {good}");
    assert_eq!(
        (&place["place"], &place["runs"], &place["known_by"], &place["on_stage"]),
        (&"cloud".into(), &web["from"], &"place".into(), &true.into()),
        "{good}"
    );
    let left_out = lines(&good["rehearsal"], "not_rehearsed");
    assert!(left_out.contains("nobody answers at cloud while web's dyno starts"), "{left_out}");
    assert!(left_out.contains("nor the settings of cloud"), "{left_out}");

    // Without one: the database does, which the instances beat on.
    let asked = world.heroku.seen().len();
    let said = ended(&rehearse(&world, &[], None).await, 0);
    let old = &web["from"].as_str().unwrap()[..12];
    assert!(said.contains(&format!("replace web: {old} → ")), "{said}");
    assert!(said.contains("the rollback was rehearsed, too"), "{said}");
    assert!(said.contains("HEROKU_API_KEY is not set") && said.contains("from the database"), "{said}");
    assert_eq!(said.matches("Not rehearsed: nobody answers at cloud").count(), 2, "first and last: {said}");
    assert_eq!(world.heroku.seen().len(), asked, "nothing was asked of the place");

    // Its bytes are nowhere here: it says so, and from where they could be had.
    let release = good["rehearsal"]["remote"]["worker"]["runs"].as_str().unwrap();
    fs::remove_dir_all(sandbox.file(&format!(".sides/releases/worker/{release}"))).unwrap();
    let manifest = WORKS.replacen('{', &format!(r#"{{"commit": "{first}", "#), 1);
    let tell = format!("UPDATE sides.instances SET manifest = '{manifest}' WHERE process = 'worker'");
    rows::execute(world.database.url(), &tell).await;
    toy::write_program(sandbox, "worker", &toy::program_that_says("two", WORKS));
    commit(sandbox);
    let output = rehearse(&world, &["--json"], Some(&token)).await;
    let without = receipt(&output, 0);
    let place = &without["rehearsal"]["remote"]["worker"];
    assert_eq!((&place["runs"], &place["on_stage"]), (&release.into(), &false.into()), "{without}");
    assert!(without["processes"]["worker"]["from"].is_null(), "{without}");
    let left_out = lines(&without["rehearsal"], "not_rehearsed");
    let line =
        left_out.lines().find(|line| line.starts_with("worker ")).unwrap_or_else(|| panic!("{left_out}"));
    assert!(line.contains("is not kept here, so its work, its replacement and the rollback to it"), "{line}");
    let by = rows::word(world.database.url(), "SELECT asked_by AS word FROM sides.releases LIMIT 1").await;
    assert!(line.contains(&format!("released by {}", by.unwrap())), "{line}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(line), "before it begins: {stderr}");

    // What it advises puts it on the stage.
    let advice = line.split('`').find(|part| part.starts_with("git switch")).unwrap();
    world.shell(advice).await;
    let with = receipt(&rehearse(&world, &["--json"], Some(&token)).await, 0);
    assert_eq!(with["processes"]["worker"]["from"], release, "{with}");

    // When nobody knows what runs there, that is no secret either.
    rows::execute(
        world.database.url(),
        "UPDATE sides.instances SET heartbeat_at = '-infinity', state = 'stopped'",
    )
    .await;
    let unknown = receipt(&rehearse(&world, &["--json"], None).await, 0);
    assert_eq!(unknown["rehearsal"]["remote"]["web"]["known_by"], "nobody", "{unknown}");
    let left_out = lines(&unknown["rehearsal"], "not_rehearsed");
    assert!(left_out.contains("it is not known which web runs at cloud"), "{left_out}");
    // And a part alone has nobody to work its jobs.
    let part = ended(&rehearse(&world, &["--only", "web"], None).await, 8);
    assert!(part.contains("nothing of worker is, and a job that only it works is refused there"), "{part}");

    assert_eq!(orders(&world), given, "nothing was changed there");
    assert_eq!(world.seen().await, "one of first");
    assert_eq!(world.heroku.breaches(), Vec::<String>::new());
    world.host.interrupt();
    world.host.ended().await;
}
