//! Every table of the chassis but the queue's, each once. What a build uses of them its manifest says, by [`crate::table`].
#![allow(missing_docs, dead_code, reason = "the table macro writes items nobody documents, nor names here")]

diesel::table! {
    sides.instances (id) {
        id -> Uuid,
        process -> Text,
        release -> Text,
        host -> Text,
        pid -> Int4,
        ops_address -> Text,
        public_address -> Nullable<Text>,
        state -> Text,
        started_at -> Timestamptz,
        heartbeat_at -> Timestamptz,
        manifest -> Nullable<Jsonb>,
    }
}

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
    sides.scale_requests (id) {
        id -> Int8,
        at -> Timestamptz,
        process -> Text,
        reason -> Text,
        evidence -> Jsonb,
        asked_by -> Text,
        decided_at -> Nullable<Timestamptz>,
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
    sides.releases (id) {
        id -> Int8,
        started_at -> Timestamptz,
        ended_at -> Timestamptz,
        asked_by -> Text,
        outcome -> Text,
        receipt -> Jsonb,
    }
}

diesel::allow_tables_to_appear_in_same_query!(schedules, stored_schedules);
