//! Carries out the decisions of the crate `autoscale`.

use std::time::{Duration, Instant};

use ::schema::scale_requests::Request;
use autoscale::{Circumstances, Decision, Policy, Signals, Verdict};
use database::Connection;
use platform::place::{Instance as Replica, InstanceState, PlaceError};
use serde_json::{Value, json};

use super::history::{self, History};
use crate::{
    actions,
    actuator::{self, Order},
    reconciler::Reconciler,
};
use ::schema::jobs::load::{self, Load};

/// No more than the place can have.
fn within(policy: &Policy, most: u32) -> Policy {
    Policy { min: policy.min.min(most), max: policy.max.min(most), ..policy.clone() }
}

/// How it stands with a process, and what follows from that.
struct Assessment {
    signals: Signals,
    now: Circumstances,
    is_external: bool,
    decision: Option<Decision>,
}

impl Assessment {
    /// Whether something would be written down or changed.
    fn acts(&self) -> bool {
        self.is_external || self.decision.as_ref().is_some_and(|one| matches!(one.verdict, Verdict::Scale(_)))
    }
}

impl Reconciler {
    pub(crate) async fn scale(
        &mut self,
        connection: &mut Connection,
        process: &str,
        policy: &Policy,
        requests: &[Request],
    ) -> anyhow::Result<()> {
        let Some(abilities) = self.actuator.abilities(process) else { return Ok(()) };
        let Some(replicas) = self.actuator.replicas(process).await else { return Ok(()) };
        let policy = &within(policy, abilities.most_instances);
        let load = load::read(connection, process).await?;
        let history = history::read(connection, process).await?;
        let release = actuator::release_is_running(connection).await?;
        let mut assessed = self.assess(process, policy, &replicas, &load, requests, &history, release);
        if assessed.acts() {
            let Some(now) = self.actuator.replicas_now(process).await else { return Ok(()) };
            assessed = self.assess(process, policy, &now, &load, requests, &history, release);
        }
        let running = assessed.signals.instances;
        if !assessed.is_external {
            self.scale_state.external.remove(process);
        } else if self.scale_state.external.insert(process.to_owned(), running) == Some(running) {
            let reason = format!("there are {running} instances, set by somebody else");
            let mut found = self.row(process, "found scaled", reason, json!({ "to": running }));
            found.outcome = format!("it holds for {} min", policy.hold.as_secs() / 60);
            actions::put(connection, &found).await?;
        }
        self.carry_out(connection, process, policy, &assessed, requests).await
    }

    #[expect(clippy::too_many_arguments, reason = "everything that is decided with")]
    fn assess(
        &mut self,
        process: &str,
        policy: &Policy,
        replicas: &[Replica],
        load: &Load,
        requests: &[Request],
        history: &History,
        release: bool,
    ) -> Assessment {
        let signals = self.signals(process, replicas, load, requests);
        let mut staying = replicas.iter().filter(|replica| replica.state != InstanceState::Draining);
        let stable = staying.all(|replica| replica.state == InstanceState::Healthy);
        // While one replica replaces another there is one more for a moment.
        let is_external = history.is_external(signals.instances) && !release && stable;
        let now = Circumstances {
            release,
            stable,
            changed: history.changed,
            changes: history.changes,
            person: if is_external { Some(Duration::ZERO) } else { history.person },
            calm: self.scale_state.calm_for(process, autoscale::is_calm(policy, &signals)),
        };
        let decision = autoscale::decide(policy, &signals, &now);
        Assessment { signals, now, is_external, decision }
    }

    fn signals(&self, process: &str, replicas: &[Replica], load: &Load, requests: &[Request]) -> Signals {
        let staying = replicas.iter().filter(|replica| replica.state != InstanceState::Draining).count();
        let staying = u32::try_from(staying).unwrap_or(u32::MAX);
        Signals {
            instances: staying,
            idle: if load.slots == 0 { staying } else { load.idle },
            slots: load.slots,
            busy: load.busy,
            waiting: load.waiting,
            oldest: load.oldest,
            latency: self.scraper.latency(process),
            asked: requests.first().map(|request| format!("{} asks: {}", request.asked_by, request.reason)),
        }
    }

    async fn carry_out(
        &mut self,
        connection: &mut Connection,
        process: &str,
        policy: &Policy,
        assessed: &Assessment,
        requests: &[Request],
    ) -> anyhow::Result<()> {
        let Assessment { signals, now, decision: Some(decision), .. } = assessed else { return Ok(()) };
        let (Verdict::Scale(to) | Verdict::Refuse(to)) = decision.verdict;
        let evidence: Vec<&Value> = requests.iter().map(|request| &request.evidence).collect();
        let mut measured = json!({
            "from": signals.instances, "to": to, "rule": decision.rule, "signals": signals,
            "circumstances": now, "policy": policy, "evidence": evidence,
        });
        // The name that readers of older rows know.
        measured["signals"]["copies"] = signals.instances.into();
        let is_wanted = matches!(decision.verdict, Verdict::Scale(_));
        let early = self.scale_state.too_early(process).filter(|_| is_wanted);
        if is_wanted && early.is_none() {
            let row = self.row(process, "scale", decision.reason.clone(), measured);
            let id = actions::put(connection, &row).await?;
            let order = Order::Scale { process: process.to_owned(), count: to };
            // The outcome is in the row.
            if let Err(PlaceError::TooEarly { reason, again_in, .. }) =
                self.actuator.carry_out(id, order, &decision.reason).await
            {
                self.scale_state.early.insert(process.to_owned(), (Instant::now() + again_in, reason));
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
        // A request is answered each time; figures only when the answer changes.
        if requests.is_empty() {
            actions::write_new(connection, &row).await?;
        } else {
            actions::put(connection, &row).await?;
        }
        Ok(())
    }

    pub(crate) async fn refuse_unknown(
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
        actions::put(connection, &row).await?;
        Ok(())
    }
}
