//! Waiting for a condition instead of for time to pass.

use std::time::{Duration, Instant};

/// Asks again and again until the answer is yes.
///
/// ```ignore
/// testing::wait_until(Duration::from_secs(10), "the job is done", async || count(&mut c).await == 0).await;
/// ```
///
/// # Panics
/// When `deadline` has passed, naming `what` was waited for and the line that waited.
#[track_caller]
pub fn wait_until(
    deadline: Duration,
    what: &str,
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
        wait_until(Duration::from_secs(5), "third time", async || {
            asked += 1;
            asked == 3
        })
        .await;
        assert_eq!(asked, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "and not yet: pigs fly (crates/testing/src/wait.rs:")]
    async fn it_says_what_it_waited_for_and_where() {
        wait_until(Duration::from_millis(10), "pigs fly", async || false).await;
    }
}
