//! Diesel's view of schema `public`. A test compares it with the database.
#![allow(missing_docs, reason = "the table macro writes items nobody documents")]

diesel::table! {
    services (id) {
        id -> Int8,
        name -> Text,
        process -> Nullable<Text>,
        url -> Nullable<Text>,
        method -> Text,
        interval_seconds -> Int4,
        timeout_ms -> Int4,
        expected_status_min -> Int2,
        expected_status_max -> Int2,
        expected_text -> Nullable<Text>,
        failures_before_incident -> Int2,
        paused_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    service_states (service_id) {
        service_id -> Int8,
        state -> Text,
        state_since -> Timestamptz,
        consecutive_failures -> Int4,
        next_ping_at -> Timestamptz,
        last_ping_at -> Nullable<Timestamptz>,
        last_latency_ms -> Nullable<Int4>,
        last_error_kind -> Nullable<Text>,
    }
}

diesel::table! {
    pings (service_id, due_at) {
        service_id -> Int8,
        due_at -> Timestamptz,
        pinged_at -> Timestamptz,
        ok -> Bool,
        latency_ms -> Int4,
        status -> Nullable<Int2>,
        error_kind -> Nullable<Text>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    ping_hours (service_id, hour) {
        service_id -> Int8,
        hour -> Timestamptz,
        pings -> Int4,
        failures -> Int4,
        latency_ms_avg -> Int4,
        latency_ms_p95 -> Int4,
        latency_ms_max -> Int4,
    }
}

diesel::table! {
    ping_days (service_id, day) {
        service_id -> Int8,
        day -> Date,
        pings -> Int4,
        failures -> Int4,
    }
}

diesel::table! {
    incidents (id) {
        id -> Int8,
        service_id -> Int8,
        opened_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
        error_kind -> Text,
        error -> Text,
    }
}

diesel::table! {
    webhooks (id) {
        id -> Int8,
        url -> Text,
        secret -> Text,
        created_at -> Timestamptz,
        disabled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    webhook_deliveries (id) {
        id -> Int8,
        webhook_id -> Int8,
        incident_id -> Int8,
        transition -> Text,
        created_at -> Timestamptz,
        delivered_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
    }
}

diesel::joinable!(service_states -> services (service_id));
diesel::joinable!(pings -> services (service_id));
diesel::joinable!(ping_hours -> services (service_id));
diesel::joinable!(ping_days -> services (service_id));
diesel::joinable!(incidents -> services (service_id));
diesel::joinable!(webhook_deliveries -> webhooks (webhook_id));
diesel::joinable!(webhook_deliveries -> incidents (incident_id));
diesel::allow_tables_to_appear_in_same_query!(
    services,
    service_states,
    pings,
    ping_hours,
    ping_days,
    incidents,
    webhooks,
    webhook_deliveries
);
