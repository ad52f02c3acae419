//! Real clocks against a real Postgres.

mod chaos;
mod cloud;
mod far_away;
mod fixture;
mod host;
mod listener;
mod missed;
mod orders;
mod restarting;
mod watching;
mod wearing_out;
