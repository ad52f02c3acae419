//! What a host does when it is told to: instances, restarts, and what it remembers.

use nix::sys::signal::Signal;
use platform::{
    local::LocalHost,
    place::{InstanceState, Place as _, PlaceError, Which, Why},
};
use serde_json::Value;
use testing::{TestDatabase, wait_until};

use crate::{
    releasing::{ended, released, run, shown, start_host},
    sandbox::{PATIENCE, Sandbox, signal},
    toy,
};

/// The instances of a process that answer.
fn ready(sandbox: &Sandbox, process: &str) -> Vec<Value> {
    let status = sandbox.status();
    let all = status["processes"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|one| one["name"] == process && one["state"] == "ready").collect()
}

fn why() -> Why {
    Why { asked_by: "a test".to_owned(), reason: "to see what happens".to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_counted_kept_and_remembered() {
    let database = TestDatabase::create().await;
    let (sandbox, mut host) = released(&database).await;

    let said = ended(&run(&sandbox, &["scale", "worker", "3"]).await, 0);
    assert!(said.contains("worker has 3 instances"), "{said}");
    let workers = ready(&sandbox, "worker");
    assert_eq!(workers.len(), 3, "they count when they answer");

    // As another process finds it: by the folder that the host tells its children.
    let environment = std::fs::read(format!("/proc/{}/environ", workers[0]["pid"])).unwrap();
    let variables: Vec<_> = environment.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    let folder = variables.iter().find_map(|variable| variable.strip_prefix("SIDES_HOST=")).unwrap();
    let place = LocalHost::of(folder.as_ref());
    let instances = place.instances("worker").await.unwrap();
    assert!(instances.iter().all(|instance| instance.state == InstanceState::Healthy), "{instances:?}");
    place.restart("worker", Which::One(instances[1].id.clone()), &why()).await.unwrap();
    let after = place.instances("worker").await.unwrap();
    assert!(
        after
            .iter()
            .any(|instance| instance.id == instances[0].id && instance.state == InstanceState::Healthy)
    );
    assert!(
        !after
            .iter()
            .any(|instance| instance.id == instances[1].id && instance.state == InstanceState::Healthy)
    );
    let unknown = place.restart("worker", Which::One("worker.999".to_owned()), &why()).await.unwrap_err();
    assert!(matches!(unknown, PlaceError::Refused { .. }), "{unknown:?}");
    let unknown = place.scale("mail", 2, &why()).await.unwrap_err();
    assert!(matches!(unknown, PlaceError::UnknownProcess { .. }), "{unknown:?}");

    let once = ["sh".to_owned(), "-c".to_owned(), "echo $RELEASE; exit 3".to_owned()];
    let ran = place.run_once("worker", &once, &why()).await.unwrap();
    assert_eq!((ran.code, ran.output.trim()), (Some(3), &instances[0].release[..12]));

    ended(&run(&sandbox, &["stop"]).await, 0);
    host.ended().await;
    let mut host = start_host(&sandbox);
    host.ready().await;
    assert_eq!(ready(&sandbox, "worker").len(), 3, "the count outlives the host");
    ended(&run(&sandbox, &["scale", "worker", "0"]).await, 0);
    wait_until("all workers have left", PATIENCE, async || ready(&sandbox, "worker").is_empty()).await;
    assert_eq!(shown(&sandbox).await, "one of first");
    signal(host.pid(), Signal::SIGTERM);
    assert!(host.ended().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_whose_program_is_missing_is_no_other_program_of_that_name() {
    let database = TestDatabase::create().await;
    // A real worker lies on the PATH.
    let sandbox = Sandbox::with(&["worker"]).on(&database);
    toy::write_workspace(&sandbox);
    let mut host = start_host(&sandbox);
    host.says("worker has not been released yet").await;
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    let digest = sandbox.status()["releases"]["worker"].as_str().unwrap().to_owned();
    std::fs::remove_file(sandbox.file(&format!(".sides/releases/worker/{digest}/worker"))).unwrap();
    signal(sandbox.pid_of("worker").unwrap(), Signal::SIGKILL);
    let said = host.says("worker cannot start").await;
    assert!(said.contains("there is no program") && said.contains(&digest), "{said}");
}
