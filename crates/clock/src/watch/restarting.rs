//! A restart, beside the rounds: a place that is slow or away holds up none of them.

use crate::{
    copy,
    door::{self, Door, Order},
};

use super::{
    ledger::{self, Action},
    restarts::{Budget, Verdict},
    roster::Instance,
};

/// One that is down, why, and the row that its restart would have.
pub(super) struct Down {
    pub(super) instance: Instance,
    pub(super) reason: String,
    pub(super) row: Action,
}

/// Has the first of them that may be started afresh now, and whose budget allows it. `here` is this machine.
pub(super) async fn restart_one(
    door: &Door,
    here: &str,
    budget: Budget,
    all: Vec<Down>,
) -> anyhow::Result<()> {
    for Down { instance, reason, row } in all {
        let Some(copy) = door.copy_to_restart(&instance, here).await else { continue };
        let mut connection = door.process.pool.get().await?;
        if door::release_goes_on(&mut connection).await? {
            return Ok(());
        }
        let wish = Action { reason: format!("{}: {reason}", copy::name(&copy)), ..row };
        match ledger::claim(&mut connection, &wish, &budget).await? {
            (Verdict::Now, Some(id)) => {
                drop(connection);
                let order = Order::Restart { process: instance.process, copy: copy.id };
                // What became of it is in the ledger.
                drop(door.carry_out(id, order, &wish.reason).await);
                return Ok(());
            }
            (Verdict::Spent(again_at), _) => {
                let reason = format!("{reason}; {} restarts in an hour did not help", budget.per_hour);
                let outcome = format!("people are asked to look; tried again at {}", again_at.format("%T"));
                let refusal = Action { action: "restart refused", reason, outcome, ..wish };
                ledger::write(&mut connection, &refusal).await?;
            }
            (Verdict::Now | Verdict::Wait(_), _) => {}
        }
    }
    Ok(())
}
