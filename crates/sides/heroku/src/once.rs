//! One-off dynos: run a command in the app's current release to its end.

use std::time::Duration;

use platform::place::{Ended, PlaceError};
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    Heroku,
    answers::{Dyno, LogSession},
};

/// Heroku ends the dyno by then.
const LIFE: Duration = Duration::from_secs(30 * 60);
/// The log comes after the end, sometimes by seconds.
const LOG_LIMIT: Duration = Duration::from_secs(30);
/// Heroku's own last words.
const END: &str = "Process exited with status ";

impl Heroku {
    pub(crate) async fn one_off(&self, app: &str, command: &[String]) -> Result<Ended, PlaceError> {
        // So that it is found again when the answer is lost, and not started twice.
        let mark = Uuid::new_v4().simple().to_string();
        let command = format!("{} # {mark}", shell_words::join(command));
        let body = json!({"command": command, "attach": false, "time_to_live": LIFE.as_secs()});
        let made: Result<Dyno, _> = self.client.post(&format!("/apps/{app}/dynos"), &body).await;
        let name = match made {
            Ok(dyno) => dyno.name,
            Err(error) if error.is_lost() => match self.marked(app, &mark).await? {
                Some(name) => name,
                None => return Err(self.failed(error)),
            },
            Err(error) => return Err(self.failed(error)),
        };
        let deadline = Instant::now() + LIFE;
        let mut pace = self.pace();
        while self.dynos(app).await?.iter().any(|dyno| dyno.name == name) {
            if Instant::now() > deadline {
                return Err(self.refused(format!("{name} of {app} did not end in time")));
            }
            pace.wait().await;
        }
        self.last_words(app, &name).await
    }

    async fn marked(&self, app: &str, mark: &str) -> Result<Option<String>, PlaceError> {
        let dynos = self.dynos(app).await?;
        Ok(dynos.into_iter().find(|dyno| dyno.command.contains(mark)).map(|dyno| dyno.name))
    }

    async fn last_words(&self, app: &str, dyno: &str) -> Result<Ended, PlaceError> {
        let deadline = Instant::now() + LOG_LIMIT;
        let mut pace = self.pace();
        loop {
            let body = json!({"dyno_name": dyno, "lines": 1500, "tail": false});
            let text = async {
                let session: LogSession =
                    self.client.post(&format!("/apps/{app}/log-sessions"), &body).await?;
                self.client.text(&session.logplex_url).await
            };
            let text = text.await.map_err(|error| self.failed(error))?;
            if let Some(ended) = read(&text, dyno) {
                return Ok(ended);
            }
            if Instant::now() > deadline {
                return Err(PlaceError::Unreachable {
                    place: self.name.clone(),
                    reason: format!("{dyno} of {app} has ended, but its log does not say how"),
                });
            }
            pace.wait().await;
        }
    }
}

/// The end of a dyno and its own lines, from `<time> app[run.1]: text`.
fn read(log: &str, dyno: &str) -> Option<Ended> {
    let (own, heroku) = (format!(" app[{dyno}]: "), format!(" heroku[{dyno}]: "));
    let status = log.lines().find_map(|line| line.split_once(&heroku)?.1.strip_prefix(END))?;
    let lines: Vec<&str> = log.lines().filter_map(|line| Some(line.split_once(&own)?.1)).collect();
    Some(Ended { code: status.trim().parse().ok(), output: lines.join("\n") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_and_the_lines_are_read_from_the_log() {
        let log = "2026-11-25T12:00:00+00:00 heroku[run.7]: Starting process with command `migrate up`\n\
                   2026-11-25T12:00:01+00:00 app[run.7]: applied 1_add\n\
                   2026-11-25T12:00:01+00:00 app[run.7]: done: all\n";
        assert_eq!(read(log, "run.7"), None, "it has not ended");
        let log = format!("{log}2026-11-25T12:00:02+00:00 heroku[run.7]: Process exited with status 3\n");
        assert_eq!(
            read(&log, "run.7").unwrap(),
            Ended { code: Some(3), output: "applied 1_add\ndone: all".into() }
        );
        assert_eq!(read(&log, "run.77"), None);
    }
}
