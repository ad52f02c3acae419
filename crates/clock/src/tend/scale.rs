//! Scaling: as many copies as there is work for, as the crate `scaling` decides.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use database::Connection;
use platform::place::{Instance as Copy, InstanceState};
use scaling::{Circumstances, Decision, Policy, Signals, Verdict};
use serde_json::{Value, json};

use super::{
    history,
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
}

impl Tender {
    pub(super) async fn scale(
        &mut self,
        connection: &mut Connection,
        process: &str,
        policy: &Policy,
        requests: &[Request],
    ) -> anyhow::Result<()> {
        let Some(copies) = self.door.copies(process).await else { return Ok(()) };
        let load = signals::load(connection, process).await?;
        let signals = self.signals(process, &copies, &load, requests);
        let mut history = history::read(connection, process).await?;
        let release = door::release_goes_on(connection).await?;
        let mut staying = copies.iter().filter(|copy| copy.state != InstanceState::Draining);
        let settled = staying.all(|copy| copy.state == InstanceState::Healthy);
        let is_strange = history.expected.is_some_and(|expected| expected != signals.copies);
        // While one copy follows another there is one more for a moment.
        if !is_strange || release || !settled {
            self.scales.strange.remove(process);
        } else {
            history.person = Some(Duration::ZERO);
            if self.scales.strange.insert(process.to_owned(), signals.copies) == Some(signals.copies) {
                let reason = format!("there are {} copies, set by somebody else", signals.copies);
                let mut found = self.row(process, "found scaled", reason, json!({ "to": signals.copies }));
                found.outcome = format!("it holds for {} min", policy.hold.as_secs() / 60);
                ledger::put(connection, &found).await?;
            }
        }
        let calm = self.scales.calm_for(process, scaling::is_calm(policy, &signals));
        let now = Circumstances {
            release,
            settled,
            changed: history.changed,
            changes: history.changes,
            person: history.person,
            calm,
        };
        match scaling::decide(policy, &signals, &now) {
            Some(decision) => {
                self.follow(connection, process, policy, &signals, &now, &decision, requests).await
            }
            None => Ok(()),
        }
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

    #[expect(clippy::too_many_arguments, reason = "everything that was decided with is written down")]
    async fn follow(
        &self,
        connection: &mut Connection,
        process: &str,
        policy: &Policy,
        signals: &Signals,
        now: &Circumstances,
        decision: &Decision,
        requests: &[Request],
    ) -> anyhow::Result<()> {
        let (Verdict::Scale(to) | Verdict::Refuse(to)) = decision.verdict;
        let evidence: Vec<&Value> = requests.iter().map(|request| &request.evidence).collect();
        let measured = json!({
            "from": signals.copies, "to": to, "rule": decision.rule, "signals": signals,
            "circumstances": now, "policy": policy, "evidence": evidence,
        });
        let action = match decision.verdict {
            Verdict::Scale(_) => "scale",
            Verdict::Refuse(_) => "scale refused",
        };
        let mut row = self.row(process, action, decision.reason.clone(), measured);
        if let Verdict::Scale(to) = decision.verdict {
            let id = ledger::put(connection, &row).await?;
            let order = Order::Scale { process: process.to_owned(), count: to };
            // What became of it is in the ledger.
            drop(self.door.carry_out(id, order, &decision.reason).await);
        } else {
            row.outcome = "nothing was changed".to_owned();
            // A wish is answered each time; figures only when the answer changes.
            if requests.is_empty() {
                ledger::write_new(connection, &row).await?;
            } else {
                ledger::put(connection, &row).await?;
            }
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
