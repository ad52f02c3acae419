//! The chassis' tables of schedules and ticks.

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

diesel::allow_tables_to_appear_in_same_query!(schedules, stored_schedules);
