//! The tables of schedules and ticks: all that the scheduler's SQL may name.
#![allow(missing_docs, dead_code, reason = "the table macro writes items nobody documents, nor names here")]

diesel::table! {
    sides.schedules (name) {
        name -> Text,
        expression -> Text,
        zone -> Text,
        kind -> Text,
        next_due_at -> Timestamptz,
        updated_at -> Timestamptz,
        missed -> Text,
        overlap -> Text,
    }
}

diesel::table! {
    sides.stored_schedules (name) {
        name -> Text,
        expression -> Text,
        zone -> Text,
        kind -> Text,
        arguments -> Jsonb,
        missed -> Text,
        overlap -> Text,
        since -> Timestamptz,
        changed_by -> Text,
        version -> Int2,
    }
}

diesel::table! {
    sides.schedule_pauses (schedule) {
        schedule -> Text,
        paused_at -> Timestamptz,
        paused_by -> Text,
        resumed_at -> Nullable<Timestamptz>,
        resumed_by -> Nullable<Text>,
    }
}

diesel::table! {
    sides.schedule_runs (schedule, asked_at) {
        schedule -> Text,
        asked_at -> Timestamptz,
        asked_by -> Text,
    }
}

// Only texts name these; a test holds them to it.
diesel::table! {
    sides.ticks (schedule, due_at) {
        schedule -> Text,
        due_at -> Timestamptz,
        fired_at -> Timestamptz,
        fired_by -> Uuid,
        job_id -> Nullable<Uuid>,
        asked_by -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(schedules, stored_schedules);
