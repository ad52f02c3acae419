//! The chassis' tables that the pages read beside the application's: all that this crate's own SQL may name.
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
    sides.ticks (schedule, due_at) {
        schedule -> Text,
        due_at -> Timestamptz,
        fired_at -> Timestamptz,
        fired_by -> Uuid,
        job_id -> Nullable<Uuid>,
        asked_by -> Nullable<Text>,
    }
}
