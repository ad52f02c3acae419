//! Real controllers against a real Postgres, processes that idle, and a Heroku that is simulated.

mod cloud;
mod fixture;
mod host;
mod listener;
mod odd_rows;
mod remote;
mod restarting;
mod watching;
mod wearing_out;
