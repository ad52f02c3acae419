//! The chassis' table of running copies.

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
