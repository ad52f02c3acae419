//! Style, script and icon: part of the binary, kept by browsers until they change.

use std::{collections::hash_map::DefaultHasher, hash::Hasher as _, sync::LazyLock};

use actix_web::{HttpResponse, http::header};

const STYLE: &str = include_str!("../assets/style.css");
const SCRIPT: &str = include_str!("../assets/refresh.js");
const ICON: &str = include_str!("../assets/icon.svg");

/// The addresses that pages name. They change with their content, so that a browser may keep it for ever.
pub(crate) static STYLE_ADDRESS: LazyLock<String> = LazyLock::new(|| address("/assets/style.css", STYLE));
pub(crate) static SCRIPT_ADDRESS: LazyLock<String> = LazyLock::new(|| address("/assets/refresh.js", SCRIPT));
pub(crate) static ICON_ADDRESS: LazyLock<String> = LazyLock::new(|| address("/assets/icon.svg", ICON));

pub(crate) async fn style() -> HttpResponse {
    answer("text/css; charset=utf-8", STYLE)
}

pub(crate) async fn script() -> HttpResponse {
    answer("text/javascript; charset=utf-8", SCRIPT)
}

pub(crate) async fn icon() -> HttpResponse {
    answer("image/svg+xml", ICON)
}

fn answer(content_type: &str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(content)
}

fn address(path: &str, content: &str) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(content.as_bytes());
    format!("{path}?v={:x}", hasher.finish())
}
