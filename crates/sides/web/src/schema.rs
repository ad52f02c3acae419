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
    sides.actions (id) {
        id -> Int8,
        at -> Timestamptz,
        subject -> Text,
        action -> Text,
        asked_by -> Text,
        reason -> Text,
        measured -> Jsonb,
        outcome -> Text,
    }
}

diesel::table! {
    sides.sessions (id) {
        id -> Uuid,
        site -> Text,
        cookie -> Bytea,
        proof -> Bytea,
        address -> Text,
        client -> Text,
        opened_at -> Timestamptz,
        seen_at -> Timestamptz,
        ends_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        ended_by -> Nullable<Text>,
    }
}

diesel::table! {
    sides.memory_trends (process, release) {
        process -> Text,
        release -> Text,
        resident_bytes -> Int8,
        bytes_per_hour -> Double,
        samples -> Int4,
        limit_bytes -> Nullable<Int8>,
        full_at -> Nullable<Timestamptz>,
        updated_at -> Timestamptz,
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
