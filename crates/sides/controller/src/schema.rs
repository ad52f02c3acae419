//! The tables of actions and of memory: with those of the queue, the scheduler and the processes, all that the
//! controller's SQL may name.
#![allow(missing_docs, dead_code, reason = "the table macro writes items nobody documents, nor names here")]

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
