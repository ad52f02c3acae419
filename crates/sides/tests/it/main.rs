//! The command line with real processes, real signals, a real Postgres and real HTTP.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod alone;
mod answers;
mod api;
mod browser;
mod commands;
mod conforming;
mod deaths;
mod dependency_rules;
mod deployment;
mod documents;
mod flow;
mod host;
mod hosting;
mod http;
mod manifests;
mod ordering;
mod outage;
mod pages;
mod programs;
mod refusals;
mod release_faults;
mod releasing;
mod rolling;
mod rows;
mod sandbox;
mod scaling;
mod schedules;
mod schema;
mod second;
mod setting_up;
mod single;
mod site;
mod succession;
mod toy;
