//! Real schedulers against a real Postgres.

mod chaos;
mod fixture;
mod missed;
mod orders;
