//! Restarts dynos, one after the other.

use platform::place::{PlaceError, Which};

use super::TRIES;
use crate::Heroku;

impl Heroku {
    pub(crate) async fn restart_dynos(
        &self,
        app: &str,
        process: &str,
        which: Which,
    ) -> Result<(), PlaceError> {
        let dynos = self.dynos(app).await?.into_iter().filter(|dyno| dyno.r#type == process);
        let chosen: Vec<_> = match &which {
            Which::All => dynos.collect(),
            Which::One(id) => dynos.filter(|dyno| dyno.id == *id || dyno.name == *id).collect(),
        };
        if chosen.is_empty() {
            return Err(self.refused(match which {
                Which::All => format!("{app} runs no dyno of {process}: scale it up first"),
                Which::One(id) => format!("{app} has no dyno {id} any more"),
            }));
        }
        for dyno in chosen {
            let mut tries = TRIES;
            loop {
                tries -= 1;
                let asked = self.client.delete(&format!("/apps/{app}/dynos/{}", dyno.name)).await;
                let Err(error) = asked else { break };
                if !error.is_lost() {
                    return Err(self.failed(error));
                }
                self.pause().await;
                // Another dyno under the same name: it was carried out.
                if self.dynos(app).await?.iter().all(|one| one.id != dyno.id) {
                    break;
                }
                if tries == 0 {
                    return Err(self.failed(error));
                }
            }
            self.wait_until_stable(app, process, 0, &[&dyno.id]).await?;
        }
        Ok(())
    }
}
