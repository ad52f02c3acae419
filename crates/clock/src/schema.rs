//! The chassis' tables of schedules and ticks.

diesel::table! {
    sides.ticks (schedule, due_at) {
        schedule -> Text,
        due_at -> Timestamptz,
        fired_at -> Timestamptz,
        fired_by -> Uuid,
        job_id -> Nullable<Uuid>,
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
    }
}
