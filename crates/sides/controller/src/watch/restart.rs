//! Restarts outside the rounds: a slow or unavailable place delays none of them.

use crate::{
    actions::{self, Action},
    actuator::{self, Actuator, Order},
    budget::{Budget, Verdict},
    inventory::Instance,
    replica,
};

/// One that is down, why, and the row that its restart would have.
pub(crate) struct Down {
    pub(crate) instance: Instance,
    pub(crate) reason: String,
    pub(crate) row: Action,
}

/// Has the first of them that may be restarted now, and whose budget allows it. `here` is this machine.
pub(crate) async fn restart_one(
    actuator: &Actuator,
    here: &str,
    budget: Budget,
    all: Vec<Down>,
) -> anyhow::Result<()> {
    for Down { instance, reason, row } in all {
        let Some(replica) = actuator.replica_to_restart(&instance, here).await else { continue };
        let mut connection = actuator.process.pool.get().await?;
        if actuator::release_is_running(&mut connection).await? {
            return Ok(());
        }
        let wish = Action { reason: format!("{}: {reason}", replica::name(&replica)), ..row };
        match actions::claim(&mut connection, &wish, &budget).await? {
            (Verdict::Now, Some(id)) => {
                drop(connection);
                let order = Order::Restart { process: instance.process, replica: replica.id };
                // The outcome is in the row.
                drop(actuator.carry_out(id, order, &wish.reason).await);
                return Ok(());
            }
            (Verdict::Spent(again_at), _) => {
                let reason = format!("{reason}; {} restarts in an hour did not help", budget.per_hour);
                let outcome = format!("somebody has to look; next try at {}", again_at.format("%T"));
                let refusal = Action { action: "restart refused", reason, outcome, ..wish };
                actions::write(&mut connection, &refusal).await?;
            }
            (Verdict::Now | Verdict::Wait(_), _) => {}
        }
    }
    Ok(())
}
