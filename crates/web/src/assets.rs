//! The monitor's own style.

use sides_web::Asset;

pub(crate) static STYLE: Asset =
    Asset::new("/assets/style.css", "text/css; charset=utf-8", include_str!("../assets/style.css"));

/// In the tab: how all services stand.
pub(crate) static UP: Asset =
    Asset::new("/assets/icon-up.svg", "image/svg+xml", include_str!("../assets/icon-up.svg"));
pub(crate) static DOWN: Asset =
    Asset::new("/assets/icon-down.svg", "image/svg+xml", include_str!("../assets/icon-down.svg"));
pub(crate) static UNSURE: Asset =
    Asset::new("/assets/icon-unsure.svg", "image/svg+xml", include_str!("../assets/icon-unsure.svg"));
