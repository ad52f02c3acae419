//! One server for many processes, gone when they are.

use crate::holder::{Holder, ask, lives, project, server_pid, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn users_share_one_server_that_stops_after_the_last_even_when_they_were_killed() {
    let project = project();
    let first = Holder::start("shared", project.path());
    let pid = server_pid(project.path()).unwrap();
    let second = Holder::start("shared", project.path());
    assert_eq!(first.url, second.url);
    first.kill();
    // Longer than it stays alone.
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert_eq!(ask(&second.url, "SELECT 'still here'").await.unwrap(), "still here");
    assert_eq!(server_pid(project.path()), Some(pid));
    second.kill();
    wait_until("the server is gone", || !lives(pid));

    let third = Holder::start("shared", project.path());
    assert_eq!(ask(&third.url, "SELECT 'again'").await.unwrap(), "again");
    let pid = server_pid(project.path()).unwrap();
    third.go();
    wait_until("the second server is gone", || !lives(pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_who_come_as_it_stops_find_one_that_runs() {
    let project = project();
    // The grace is a second: these come before, while and after the server stops.
    for pause in [900, 1000, 1020, 1050, 1080, 1100, 1150, 1200] {
        let user = Holder::start("shared", project.path());
        assert_eq!(ask(&user.url, "SELECT 'here'").await.unwrap(), "here");
        user.go();
        std::thread::sleep(std::time::Duration::from_millis(pause));
    }
    let last = Holder::start("shared", project.path());
    let pid = server_pid(project.path()).unwrap();
    assert!(lives(pid));
    last.kill();
    wait_until("the server is gone", || !lives(pid));
}
