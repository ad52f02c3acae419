//! The name and look of an application's site.

use crate::Asset;

/// The names and pages that stand around every page's content.
#[derive(Debug, Clone, Copy)]
pub struct Brand {
    /// Behind every page's title.
    pub title: &'static str,
    /// In every page's header, as the link to `/`.
    pub name: &'static str,
    /// The environment variable with the secret that signs people in.
    pub secret_variable: &'static str,
    /// What that secret is called where somebody types it.
    pub secret_name: &'static str,
    /// The session's cookie.
    pub cookie: &'static str,
    /// Address and label of the pages that somebody signed in finds in the header.
    pub navigation: &'static [(&'static str, &'static str)],
    /// Style sheets beside the chassis' own. They are served as well.
    pub styles: &'static [&'static Asset],
    /// Other files that pages name.
    pub assets: &'static [&'static Asset],
    /// Processes that should run: the dashboard shows those that do not.
    pub processes: &'static [&'static str],
}

impl Brand {
    /// A site named `title` that is signed in to with `ADMIN_TOKEN`. Its session cookie is `sides_session`.
    #[must_use]
    pub const fn new(title: &'static str) -> Self {
        Self {
            title,
            name: title,
            secret_variable: "ADMIN_TOKEN",
            secret_name: "Admin token",
            cookie: "sides_session",
            navigation: &[("/operations", "Operations")],
            styles: &[],
            assets: &[],
            processes: &[],
        }
    }
}
