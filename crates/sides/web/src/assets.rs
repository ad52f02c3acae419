//! Style, script and icon: part of the binary, kept by browsers until they change.

use std::{
    hash::{DefaultHasher, Hasher as _},
    sync::OnceLock,
};

use actix_web::{HttpResponse, Resource, http::header};

use crate::read;

pub(crate) static STYLE: Asset =
    Asset::new("/assets/base.css", "text/css; charset=utf-8", include_str!("../assets/base.css"));
pub(crate) static SCRIPT: Asset =
    Asset::new("/assets/refresh.js", "text/javascript; charset=utf-8", include_str!("../assets/refresh.js"));
pub(crate) static ICON: Asset =
    Asset::new("/assets/icon.svg", "image/svg+xml", include_str!("../assets/icon.svg"));

/// A file in the binary.
#[derive(Debug)]
pub struct Asset {
    path: &'static str,
    content_type: &'static str,
    content: &'static str,
    address: OnceLock<String>,
}

impl Asset {
    /// A file that is served at `path`.
    #[must_use]
    pub const fn new(path: &'static str, content_type: &'static str, content: &'static str) -> Self {
        Self { path, content_type, content, address: OnceLock::new() }
    }

    /// The address that pages name. It changes with the content, so that a browser may keep it for ever.
    pub fn address(&self) -> &str {
        self.address.get_or_init(|| {
            let mut hasher = DefaultHasher::new();
            hasher.write(self.content.as_bytes());
            format!("{}?v={:x}", self.path, hasher.finish())
        })
    }

    pub(crate) fn resource(&'static self) -> Resource {
        read(self.path, move || std::future::ready(self.answer()))
    }

    fn answer(&self) -> HttpResponse {
        HttpResponse::Ok()
            .content_type(self.content_type)
            .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .body(self.content)
    }
}
