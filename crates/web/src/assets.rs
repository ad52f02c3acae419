//! What the pages of the monitor look like, beside what every page does.

use sides_web::Asset;

pub(crate) static STYLE: Asset =
    Asset::new("/assets/style.css", "text/css; charset=utf-8", include_str!("../assets/style.css"));
