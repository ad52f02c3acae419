//! What any application needs to serve people and programs over HTTP.
//!
//! A server that drains without cutting a request off, sign-in with one secret, faults as a page or as JSON, assets,
//! request metrics, and the operations dashboard as a page that an application mounts. The application gives a
//! [`Brand`] and its routes:
//!
//! ```no_run
//! use actix_web::{HttpResponse, web};
//! use sides_web::{Brand, Config, Site, read};
//!
//! const BRAND: Brand = Brand { name: "Acme", ..Brand::new("acme") };
//!
//! process::Definition::new("shop", "Serves the shop.").run(
//!     |environment| Config::read(environment, &BRAND),
//!     async |process, config| {
//!         let site = Site::new(&process, &config, BRAND)?;
//!         sides_web::serve(process, config, site, |routes| {
//!             routes.service(read("/", async || HttpResponse::Ok().body("hello")));
//!             routes.service(read("/operations", sides_web::operations::show));
//!         })
//!         .await
//!     },
//! );
//! ```
//!
//! Never knows an application, its tables, its secret or its pages.

mod actor;
mod assets;
mod bodies;
mod brand;
mod client;
mod config;
mod descriptors;
mod fault;
mod guesses;
pub mod layout;
mod metrics;
pub mod operations;
mod paced;
mod protection;
mod respond;
mod routes;
mod server;
mod session;
mod shared_page;
mod sign_in;
mod site;
pub mod time;
mod visits;

pub use actor::Actor;
pub use assets::Asset;
pub use brand::Brand;
pub use config::Config;
pub use fault::{Fault, FieldFault, as_json};
pub use respond::{read, see};
pub use server::serve;
pub use session::{Admin, Bearer, Visitor, new_secret};
pub use shared_page::{Prepared, Rendered, SharedPage};
pub use site::Site;

/// The tables that this crate uses, for a process' manifest. Add [`queue::SCHEMA`] where the dashboard is mounted.
pub const SCHEMA: manifest::Tables = &[
    ::schema::table("actions"),
    ::schema::table("memory_trends"),
    ::schema::table("schedules"),
    ::schema::table("sessions"),
    ::schema::table("ticks"),
];
