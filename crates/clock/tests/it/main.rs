//! Real clocks against a real Postgres.

mod chaos;
mod fixture;
mod missed;
mod orders;
