//! Heroku as a [place](platform::place) where processes run: one app per process.
//!
//! A release restarts every dyno of its app, so a process that shall be released on its own has an app of its own;
//! they share the database. [`Client`] speaks Heroku's platform API, version 3, and knows which calls may be repeated;
//! [`Heroku`] carries out orders with it and answers when dynos *run the expected release and answer*. [`setup`] says
//! what is missing before the first release, and makes it.
//!
//! The token is a [`Token`]: nothing prints it.
//!
//! ```no_run
//! use sides_heroku::{Client, Token};
//!
//! # fn example(http: reqwest::Client) {
//! let token = Token::new("HRKU-tell-nobody");
//! let client = Client::new("https://api.heroku.com", token, http);
//! # }
//! ```

mod answers;
mod client;
mod error;
mod gate;
mod once;
mod order;
mod place;
mod settings;
pub mod setup;
mod slug;
mod token;
mod window;

pub use client::Client;
pub use error::ApiError;
pub use place::Heroku;
pub use settings::{Settings, Witness};
pub use token::Token;
