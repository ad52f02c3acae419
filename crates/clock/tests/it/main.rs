//! Real clocks against a real Postgres.

mod chaos;
mod fixture;
mod listener;
mod missed;
mod orders;
mod watching;
