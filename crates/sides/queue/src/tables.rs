//! Every table and column that the SQL of this crate may name.
//!
//! The statements are texts, for the sake of their plans; a test holds them to this list, on a database that has
//! nothing else. What a build uses, its manifest says from here.
#![allow(missing_docs, dead_code, reason = "the table macro writes items nobody documents, nor names here")]

/// Postgres' enum of a job's states.
#[derive(Debug, diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "fang_task_state", schema = "sides"))]
pub struct FangTaskState;

diesel::table! {
    use diesel::sql_types::*;

    use super::FangTaskState;

    sides.fang_tasks (id) {
        id -> Uuid,
        metadata -> Jsonb,
        error_message -> Nullable<Text>,
        state -> FangTaskState,
        task_type -> Text,
        uniq_hash -> Nullable<Text>,
        retries -> Int4,
        scheduled_at -> Timestamptz,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        kind -> Nullable<Text>,
        version -> Int2,
        priority -> Int2,
        attempt -> Int2,
        crashes -> Int2,
        owner -> Nullable<Uuid>,
        lease -> Int4,
        parked_by -> Nullable<Text>,
        unique_key -> Nullable<Text>,
        unique_waiting -> Bool,
        cancelled -> Nullable<Text>,
        limit_key -> Nullable<Text>,
        tags -> Nullable<Array<Nullable<Text>>>,
        trace -> Nullable<Text>,
        enqueued_by -> Nullable<Text>,
    }
}

diesel::table! {
    sides.runners (id) {
        id -> Uuid,
        instance -> Uuid,
        release -> Text,
        kinds -> Array<Nullable<Text>>,
        concurrency -> Int4,
        started_at -> Timestamptz,
        lease_until -> Timestamptz,
        presumed_dead -> Int4,
    }
}

diesel::table! {
    sides.runner_sessions (runner) {
        runner -> Uuid,
        server_started_at -> Nullable<Timestamptz>,
        seen_at -> Timestamptz,
    }
}

diesel::table! {
    sides.claim_places (place) {
        place -> Int8,
        noted_at -> Timestamptz,
        looked_at -> Timestamptz,
        took -> Interval,
        rules -> Nullable<Int8>,
        priorities -> Array<Nullable<Int2>>,
        due -> Array<Nullable<Timestamptz>>,
        ids -> Array<Nullable<Uuid>>,
        running -> Array<Nullable<Uuid>>,
    }
}

diesel::table! {
    sides.job_history (id) {
        id -> Uuid,
        kind -> Text,
        queue -> Text,
        outcome -> Text,
        attempt -> Int2,
        error -> Nullable<Text>,
        enqueued_by -> Nullable<Text>,
        owner -> Nullable<Uuid>,
        created_at -> Timestamptz,
        scheduled_at -> Timestamptz,
        claimed_at -> Nullable<Timestamptz>,
        duration_us -> Int8,
        finished_at -> Timestamptz,
        release -> Nullable<Text>,
        unique_key -> Nullable<Text>,
        tags -> Nullable<Array<Nullable<Text>>>,
        trace -> Nullable<Text>,
    }
}

diesel::table! {
    sides.job_attempts (job_id) {
        job_id -> Uuid,
        attempt -> Int2,
        outcome -> Text,
        error -> Nullable<Text>,
        release -> Nullable<Text>,
        owner -> Nullable<Uuid>,
        claimed_at -> Nullable<Timestamptz>,
        duration_us -> Nullable<Int8>,
        ended_at -> Timestamptz,
    }
}

diesel::table! {
    sides.job_notes (job_id) {
        job_id -> Uuid,
        cursor -> Nullable<Jsonb>,
        progress -> Nullable<Float4>,
        message -> Nullable<Text>,
        result -> Nullable<Jsonb>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    sides.job_rules (scope, name) {
        scope -> Text,
        name -> Text,
        paused -> Bool,
        max_running -> Nullable<Int4>,
        max_per_key -> Nullable<Int4>,
        max_starts -> Nullable<Int4>,
        per_seconds -> Float8,
        starts_left -> Nullable<Float8>,
        refilled_at -> Timestamptz,
    }
}
