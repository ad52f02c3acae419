//! The chassis' table of running copies.

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
