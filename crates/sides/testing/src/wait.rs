//! Waiting for a condition instead of for time to pass.

use std::time::{Duration, Instant};

/// Asks again and again until the answer is yes.
///
/// ```no_run
/// # async fn example() {
/// let listens = async || tokio::net::TcpStream::connect("127.0.0.1:3000").await.is_ok();
/// sides_testing::wait_until("web listens", std::time::Duration::from_secs(10), listens).await;
/// # }
/// ```
///
/// # Panics
/// When `deadline` has passed, naming `what` was waited for and the line that waited.
#[track_caller]
pub fn wait_until(
    what: &str,
    deadline: Duration,
    mut condition: impl AsyncFnMut() -> bool,
) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(2);
        while !condition().await {
            assert!(begun.elapsed() < deadline, "{deadline:?} passed and not yet: {what} ({caller})");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_ends_as_soon_as_the_answer_is_yes() {
        let mut asked = 0;
        wait_until("third time", Duration::from_secs(5), async || {
            asked += 1;
            asked == 3
        })
        .await;
        assert_eq!(asked, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "and not yet: pigs fly (crates/sides/testing/src/wait.rs:")]
    async fn it_says_what_it_waited_for_and_where() {
        wait_until("pigs fly", Duration::from_millis(10), async || false).await;
    }
}
