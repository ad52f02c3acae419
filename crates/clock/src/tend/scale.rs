//! Scaling: as many copies as there is work for, as the crate `scaling` decides.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use autoscale::{Circumstances, Decision, Policy, Signals, Verdict};
use database::Connection;
use platform::place::{Instance as Copy, InstanceState, PlaceError};
use serde_json::{Value, json};

use super::{
    history::{self, History},
    requests::Request,
    signals::{self, Load},
    tender::Tender,
};
use crate::{
    door::{self, Order},
    watch::ledger,
};

/// What only a row of rounds shows, by process.
#[derive(Default)]
pub(super) struct Scales {
    /// Since when one copy fewer would do.
    calm: HashMap<String, Instant>,
    /// A number that nobody here has set, as seen in the last round.
    strange: HashMap<String, u32>,
    /// Until when a place wants no change of a process, and why.
    early: HashMap<String, (Instant, String)>,
}

impl Scales {
    /// For how long one copy fewer would have done.
    fn calm_for(&mut self, process: &str, is_calm: bool) -> Duration {
        if is_calm {
            self.calm.entry(process.to_owned()).or_insert_with(Instant::now).elapsed()
        } else {
            self.calm.remove(process);
            Duration::ZERO
        }
    }

    /// Why the place of a process wants no change of it yet.
    fn too_early(&self, process: &str) -> Option<String> {
        let (until, why) = self.early.get(process)?;
        (Instant::now() < *until).then(|| why.clone())
    }
}

/// No more than the place can have.
fn within(policy: &Policy, most: u32) -> Policy {
    Policy { min: policy.min.min(most), max: policy.max.min(most), ..policy.clone() }
}

/// How it stands with a process, and what follows from that.
struct Weighed {
    signals: Signals,
    now: Circumstances,
    is_strange: bool,
    decision: Option<Decision>,
}

impl Weighed {
    /// Whether something would be written down or changed.
    fn acts(&self) -> bool {
        self.is_strange || self.decision.as_ref().is_some_and(|one| matches!(one.verdict, Verdict::Scale(_)))
    }
}

impl Tender {
    pub(super) async fn scale(
        &mut self,
        connection: &mut Connection,
        process: &str,
        policy: &Policy,
        requests: &[Request],
    ) -> anyhow::Result<()> {
        let Some(abilities) = self.door.abilities(process) else { return Ok(()) };
        let Some(copies) = self.door.copies(process).await else { return Ok(()) };
        let policy = &within(policy, abilities.most_copies);
        let load = signals::load(connection, process).await?;
        let history = history::read(connection, process).await?;
        let release = door::release_goes_on(connection).await?;
        let mut weighed = self.weigh(process, policy, &copies, &load, requests, &history, release);
        if weighed.acts() {
            let Some(now) = self.door.copies_now(process).await else { return Ok(()) };
            weighed = self.weigh(process, policy, &now, &load, requests, &history, release);
        }
        let copies = weighed.signals.copies;
        if !weighed.is_strange {
            self.scales.strange.remove(process);
        } else if self.scales.strange.insert(process.to_owned(), copies) == Some(copies) {
            let reason = format!("there are {copies} copies, set by somebody else");
            let mut found = self.row(process, "found scaled", reason, json!({ "to": copies }));
            found.outcome = format!("it holds for {} min", policy.hold.as_secs() / 60);
            ledger::put(connection, &found).await?;
        }
        self.follow(connection, process, policy, &weighed, requests).await
    }

    #[expect(clippy::too_many_arguments, reason = "everything that is decided with")]
    fn weigh(
        &mut self,
        process: &str,
        policy: &Policy,
        copies: &[Copy],
        load: &Load,
        requests: &[Request],
        history: &History,
        release: bool,
    ) -> Weighed {
        let signals = self.signals(process, copies, load, requests);
        let mut staying = copies.iter().filter(|copy| copy.state != InstanceState::Draining);
        let settled = staying.all(|copy| copy.state == InstanceState::Healthy);
        // While one copy follows another there is one more for a moment.
        let is_strange = history.is_strange(signals.copies) && !release && settled;
        let now = Circumstances {
            release,
            settled,
            changed: history.changed,
            changes: history.changes,
            person: if is_strange { Some(Duration::ZERO) } else { history.person },
            calm: self.scales.calm_for(process, autoscale::is_calm(policy, &signals)),
        };
        let decision = autoscale::decide(policy, &signals, &now);
        Weighed { signals, now, is_strange, decision }
    }

    fn signals(&self, process: &str, copies: &[Copy], load: &Load, requests: &[Request]) -> Signals {
        let staying = copies.iter().filter(|copy| copy.state != InstanceState::Draining).count();
        let staying = u32::try_from(staying).unwrap_or(u32::MAX);
        Signals {
            copies: staying,
            idle: if load.slots == 0 { staying } else { load.idle },
            slots: load.slots,
            busy: load.busy,
            waiting: load.waiting,
            oldest: load.oldest,
            latency: self.looks.latency(process),
            asked: requests.first().map(|request| format!("{} asks: {}", request.asked_by, request.reason)),
        }
    }

    async fn follow(
        &mut self,
        connection: &mut Connection,
        process: &str,
        policy: &Policy,
        weighed: &Weighed,
        requests: &[Request],
    ) -> anyhow::Result<()> {
        let Weighed { signals, now, decision: Some(decision), .. } = weighed else { return Ok(()) };
        let (Verdict::Scale(to) | Verdict::Refuse(to)) = decision.verdict;
        let evidence: Vec<&Value> = requests.iter().map(|request| &request.evidence).collect();
        let mut measured = json!({
            "from": signals.copies, "to": to, "rule": decision.rule, "signals": signals,
            "circumstances": now, "policy": policy, "evidence": evidence,
        });
        let is_wanted = matches!(decision.verdict, Verdict::Scale(_));
        let early = self.scales.too_early(process).filter(|_| is_wanted);
        if is_wanted && early.is_none() {
            let row = self.row(process, "scale", decision.reason.clone(), measured);
            let id = ledger::put(connection, &row).await?;
            let order = Order::Scale { process: process.to_owned(), count: to };
            // What became of it is in the ledger.
            if let Err(PlaceError::TooEarly { reason, again_in, .. }) =
                self.door.carry_out(id, order, &decision.reason).await
            {
                self.scales.early.insert(process.to_owned(), (Instant::now() + again_in, reason));
            }
            return Ok(());
        }
        let mut reason = decision.reason.clone();
        if let Some(early) = early {
            reason = format!("{reason}; but {early}");
            measured["rule"] = json!("window");
        }
        let mut row = self.row(process, "scale refused", reason, measured);
        row.outcome = "nothing was changed".to_owned();
        // A wish is answered each time; figures only when the answer changes.
        if requests.is_empty() {
            ledger::write_new(connection, &row).await?;
        } else {
            ledger::put(connection, &row).await?;
        }
        Ok(())
    }

    pub(super) async fn refuse_unknown(
        &self,
        connection: &mut Connection,
        process: &str,
        requests: &[Request],
    ) -> anyhow::Result<()> {
        let Some(request) = requests.first() else { return Ok(()) };
        let reason = format!(
            "{} asks: {}; but {process} is not scaled: name its range in SCALE, as {process}=1-4",
            request.asked_by, request.reason
        );
        let measured = json!({ "rule": "off", "evidence": request.evidence });
        let mut row = self.row(process, "scale refused", reason, measured);
        row.outcome = "nothing was changed".to_owned();
        ledger::put(connection, &row).await?;
        Ok(())
    }
}
