//! Web as its visitors meet it: a real process, real HTTP, a real Postgres.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod api;
mod api_refusals;
mod connections;
mod crowds;
mod drain;
mod fixture;
mod forms;
mod headers;
mod looking;
mod odd_rows;
mod outage;
mod pages;
mod rolling;
mod rows;
mod sign_in;
mod start;
mod strangers;
mod webhooks;
