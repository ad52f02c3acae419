//! A fault, told to a person.

use maud::{Markup, html};

use super::layout::{Layout, page as layout};
use crate::fault::Fault;

/// What happened and what to do next.
pub(crate) fn page(fault: &Fault) -> Markup {
    let title = match fault.status().as_u16() {
        404 => "Not found",
        403 => "Not allowed",
        409 => "Not done",
        503 => "Not available just now",
        _ => "Not understood",
    };
    let content = html! {
        h1 { (title) }
        p { (fault) }
        @if let Fault::Fields(fields) = fault {
            ul { @for field in fields { li { (field.field) ": " (field.message) } } }
        }
        p { a href="/" { "To the status page" } }
    };
    layout(&Layout { title, visitor: None, refresh: 0 }, &content)
}
