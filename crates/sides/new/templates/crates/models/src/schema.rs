//! Diesel's view of the tables. `diesel print-schema` writes it.

diesel::table! {
    greetings (id) {
        id -> Int8,
        name -> Text,
        created_at -> Timestamptz,
    }
}
