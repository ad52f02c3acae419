//! Canaries that a release which was interrupted has left. The next command ends them, unless it continues with them, and
//! its receipt says so.

use std::{collections::BTreeMap, time::Instant};

use database::DatabaseUrl;
use platform::{place::told, prober::Prober};
use workspace::{actor, control::DevStatus, releases::StepId};

use super::{
    count::{Counter, Counts},
    ledger::{Ledger, OUTAGE_LIMIT},
    measure,
    plan::Plan,
    receipt::{Done, Receipt, Requests, Verdict},
};
use crate::{places::Places, progress::Progress};

/// What ends them needs.
pub(super) struct Leaving<'a> {
    pub(super) places: &'a Places,
    /// The process that visitors reach, if there is one.
    pub(super) web: Option<&'a str>,
    pub(super) url: &'a DatabaseUrl,
    pub(super) status: Option<&'a DevStatus>,
    /// What clients ask for.
    pub(super) probe: &'a str,
    pub(super) progress: &'a dyn Progress,
}

/// Canaries that were ended, and what is measured since.
pub(super) struct Left {
    steps: Vec<Done>,
    begun: Instant,
    counter: Option<Counter>,
    prober: Option<Prober>,
}

impl Leaving<'_> {
    /// Ends them, but for those that `plan` continues with. None when there are none to end.
    pub(super) async fn end(&self, plan: Option<&Plan>) -> anyhow::Result<Option<Left>> {
        let goes_on =
            |process: &str, release: &str| plan.is_some_and(|plan| plan.has_canary(process, release));
        let canaries = self.status.map(|status| status.canaries.clone()).unwrap_or_default();
        let left: BTreeMap<String, String> =
            canaries.into_iter().filter(|(process, release)| !goes_on(process, release)).collect();
        if left.is_empty() {
            return Ok(None);
        }
        let prober = match self.web {
            Some(web) => measure::start(self.places, self.status, web, self.probe).await,
            None => None,
        };
        let mut ended = Left { steps: Vec::new(), begun: Instant::now(), counter: None, prober };
        for (process, release) in left {
            let begun = Instant::now();
            let place = self.places.place_of(&process);
            place.end_canary(&process, &actor::why(None, "an interrupted release has left it")).await?;
            let short = told(&release);
            self.progress.notice(&format!(
                "the canary of {process}, {short}, was ended; the other instances were not touched"
            ));
            let what = format!("end the canary of {process}, {short}");
            let (id, seconds) = (Some(StepId::EndCanary { process }), begun.elapsed().as_secs_f64());
            ended.steps.push(Done { id, what, seconds });
        }
        // What a canary answers may be wrong: its end waits for no database.
        ended.counter = Counter::begin(self.url).await.ok();
        Ok(Some(ended))
    }
}

impl Left {
    /// The steps, for the receipt of what follows.
    pub(super) fn steps(&self) -> Vec<Done> {
        self.steps.clone()
    }

    /// The receipt where nothing follows, stored.
    pub(super) async fn receipt(
        self,
        ledger: &mut Ledger,
        progress: &dyn Progress,
    ) -> (Receipt, Option<i64>) {
        let requests = match self.prober {
            Some(prober) => Some(prober.end().await),
            None => None,
        };
        let counts = match self.counter {
            Some(counter) => counter.end().await,
            None => Counts::default(),
        };
        let seconds = self.begun.elapsed().as_secs_f64();
        let receipt = Receipt {
            outcome: Verdict::Released,
            reason: None,
            requests: requests.as_ref().map(Requests::from),
            jobs: counts.jobs,
            ticks: counts.ticks,
            longest_block: counts.block,
            ..Receipt::unfinished(BTreeMap::new(), self.steps, seconds)
        };
        let recorded = ledger.record(&receipt, OUTAGE_LIMIT).await;
        let number = recorded.inspect_err(|error| progress.notice(&format!("{error:#}"))).ok();
        (receipt, number)
    }
}
