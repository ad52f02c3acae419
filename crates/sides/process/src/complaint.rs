//! Logs a recurring problem once in a while instead of at every attempt.

use std::time::{Duration, Instant};

/// Decides whether a repeated trouble is worth another line in the log.
#[derive(Debug, Default)]
pub struct Complaint(Option<(String, Instant)>);

impl Complaint {
    const AGAIN_AFTER: Duration = Duration::from_secs(30);

    /// Whether to say it now: the first time, when it became something else, and every 30 seconds.
    pub fn is_due(&mut self, text: &str, now: Instant) -> bool {
        let due = match &self.0 {
            Some((said, at)) => said != text || now.duration_since(*at) >= Self::AGAIN_AFTER,
            None => true,
        };
        if due {
            self.0 = Some((text.to_owned(), now));
        }
        due
    }

    /// The trouble is over; whether there was one.
    pub fn end(&mut self) -> bool {
        self.0.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_it_once_and_then_every_half_minute() {
        let start = Instant::now();
        let mut complaint = Complaint::default();
        let mut due = |text: &str, seconds| complaint.is_due(text, start + Duration::from_secs(seconds));
        assert_eq!([due("a", 0), due("a", 1), due("a", 29), due("a", 30)], [true, false, false, true]);
        assert_eq!([due("b", 31), due("b", 32), due("a", 33)], [true, false, true]);
        assert!(complaint.end());
        assert!(!complaint.end());
    }
}
