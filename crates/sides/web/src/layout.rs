//! The layout around every page's content.

use chrono::Utc;
use maud::{DOCTYPE, Markup, html};

use crate::{
    Asset,
    assets::{ICON, SCRIPT, STYLE},
    session::{Admin, Visitor},
};

/// How a page differs from the others, besides its content.
#[derive(Clone, Copy)]
pub struct Layout<'a> {
    /// In the tab, before the site's own.
    pub title: &'a str,
    /// Who reads it.
    pub visitor: &'a Visitor,
    /// Seconds until it fetches itself again; 0 for a page that people type into.
    pub refresh: u32,
    /// In the tab, where it says more than the site's own.
    pub icon: Option<&'static Asset>,
}

/// A whole page.
#[must_use]
pub fn page(layout: &Layout<'_>, content: &Markup) -> Markup {
    let now = Utc::now();
    let brand = &layout.visitor.site.brand;
    html! {
        (DOCTYPE)
        html lang="en" data-refresh=(layout.refresh) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (layout.title) " · " (brand.title) }
                link rel="icon" href=(layout.icon.unwrap_or(&ICON).address()) type="image/svg+xml";
                @if layout.refresh > 0 {
                    noscript { meta http-equiv="refresh" content=(layout.refresh.max(30)); }
                }
                link rel="stylesheet" href=(STYLE.address());
                @for style in brand.styles { link rel="stylesheet" href=(style.address()); }
                script src=(SCRIPT.address()) defer {}
            }
            body {
                a.skip href="#content" { "Skip to content" }
                header.top {
                    a.brand href="/" { img src=(ICON.address()) alt="" width="24" height="24"; (brand.name) }
                    nav aria-label="Pages" { (links(layout.visitor)) }
                }
                p #stale .notice role="status" hidden {}
                main #content { (content) }
                footer.bottom {
                    @if layout.refresh > 0 {
                        "As of " time #as-of datetime=(now.to_rfc3339()) { (now.format("%H:%M:%S")) } ". "
                    }
                    "Times are UTC."
                }
            }
        }
    }
}

fn links(visitor: &Visitor) -> Markup {
    html! {
        @if let Some(admin) = visitor.admin() {
            @for (address, label) in visitor.site.brand.navigation { a href=(address) { (label) } }
            form method="post" action="/sign-out" {
                (form_token(admin))
                button.link { "Sign out" }
            }
        } @else {
            a href="/sign-in" { "Sign in" }
        }
    }
}

/// The hidden field that proves a form comes from a page of ours.
#[must_use]
pub fn form_token(admin: &Admin) -> Markup {
    html! { input type="hidden" name="form_token" value=(admin.form_token); }
}

/// A button that does one thing to one address.
#[must_use]
pub fn action(admin: &Admin, address: &str, label: &str) -> Markup {
    html! {
        form method="post" action=(address) {
            (form_token(admin))
            button { (label) }
        }
    }
}
