//! The texts of the migrations that the queue consists of, for databases that have the queue and nothing else of the chassis.

/// A migration's name, with its text.
macro_rules! text {
    ($name:literal) => {
        ($name, include_str!(concat!("../migrations/", $name, "/up.sql")))
    };
}

/// The migration that makes the schema, with the chassis' first own tables.
pub const CHASSIS: (&str, &str) = text!("2026-11-23-000100_chassis");

/// Those that make something of the queue's, oldest first. Some make something beside it.
pub const QUEUE: &[(&str, &str)] = &[
    text!("2026-11-23-000200_queue"),
    text!("2026-11-25-001500_history_one_table_at_a_time"),
    text!("2026-11-25-007000_jobs_in_order"),
    text!("2026-11-25-007010_jobs_in_order_only"),
    text!("2026-11-25-008000_jobs_for_any_language"),
    text!("2026-11-25-008100_jobs_by_hand"),
    text!("2026-11-29-000100_one_row_costs_one_row"),
    text!("2026-11-30-093500_runner_sessions"),
    text!("2026-11-30-134500_jobs_come_and_go"),
    text!("2026-11-30-134600_cancelled_jobs"),
    text!("2026-11-30-180000_claims_go_on"),
    text!("2026-11-30-180500_failed_jobs"),
    text!("2026-11-30-181500_any_worker_is_missed"),
    text!("2026-11-30-214000_jobs_by_holder"),
    text!("2026-11-30-214010_what_a_worker_holds"),
    text!("2026-11-30-214020_jobs_by_holder_only"),
    text!("2026-11-30-214500_job_notes"),
];

/// Those that make nothing of the queue's.
#[cfg(test)]
const BESIDE: &[&str] =
    &["releases", "schedules", "actions", "manifests", "tending", "versions_of_schedules", "sessions"];

#[cfg(test)]
mod tests {
    use diesel::{migration::MigrationSource, pg::Pg};

    use super::*;

    #[test]
    fn every_migration_is_the_queues_or_is_said_not_to_be() {
        for migration in MigrationSource::<Pg>::migrations(&crate::MIGRATIONS).expect("they were read") {
            let name = migration.name().to_string();
            let is_queue = QUEUE.iter().any(|(known, _)| *known == name);
            let is_beside = name.split_once('_').is_some_and(|(_, what)| BESIDE.contains(&what));
            assert!(is_queue ^ (is_beside || name == CHASSIS.0), "{name}: in QUEUE or in BESIDE");
        }
        assert!(QUEUE.is_sorted());
    }
}
