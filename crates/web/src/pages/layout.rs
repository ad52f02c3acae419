//! What every page has around its content.

use maud::{DOCTYPE, Markup, html};

use crate::{
    assets::{ICON_ADDRESS, SCRIPT_ADDRESS, STYLE_ADDRESS},
    session::{Admin, Visitor},
};

/// How a page differs from the others, besides its content.
pub(super) struct Layout<'a> {
    pub(super) title: &'a str,
    pub(super) visitor: Option<&'a Visitor>,
    /// Seconds until it fetches itself again; 0 for a page that people type into.
    pub(super) refresh: u32,
}

/// A whole page.
pub(super) fn page(layout: &Layout<'_>, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-refresh=(layout.refresh) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (layout.title) " · sides" }
                link rel="icon" href=(*ICON_ADDRESS) type="image/svg+xml";
                link rel="stylesheet" href=(*STYLE_ADDRESS);
                script src=(*SCRIPT_ADDRESS) defer {}
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header.top {
                    a.brand href="/" { img src=(*ICON_ADDRESS) alt="" width="24" height="24"; "Status" }
                    nav aria-label="Pages" { (links(layout.visitor)) }
                }
                p #stale .notice role="status" hidden {
                    "The server does not answer; what you see is the last it said."
                }
                main #content { (content) }
                footer.bottom { "Times are UTC." }
            }
        }
    }
}

fn links(visitor: Option<&Visitor>) -> Markup {
    let Some(visitor) = visitor else { return html! {} };
    html! {
        @if let Some(admin) = visitor.admin() {
            a href="/operations" { "Operations" }
            a href="/webhooks" { "Webhooks" }
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
pub(super) fn form_token(admin: &Admin) -> Markup {
    html! { input type="hidden" name="form_token" value=(admin.form_token); }
}

/// A button that does one thing to one address.
pub(super) fn action(admin: &Admin, address: &str, label: &str) -> Markup {
    html! {
        form method="post" action=(address) {
            (form_token(admin))
            button { (label) }
        }
    }
}
