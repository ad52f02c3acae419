//! How the pages look and what they lead to.

use sides_web::Brand;

use crate::assets;

pub(crate) const BRAND: Brand = Brand {
    name: "Status",
    navigation: &[("/operations", "Operations"), ("/webhooks", "Webhooks"), ("/sessions", "Sessions")],
    styles: &[&assets::STYLE],
    assets: &[&assets::UP, &assets::DOWN, &assets::UNSURE],
    processes: &["web", "worker", "clock"],
    ..Brand::new("sides")
};
