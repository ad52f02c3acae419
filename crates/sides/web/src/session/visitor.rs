//! Who sends a request to a page.

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};
use chrono::Utc;
use futures_util::future::LocalBoxFuture;
use subtle::ConstantTimeEq as _;

use super::{Key, cookie};
use crate::{Fault, Site};

const PURPOSE: &str = "form";

/// Anybody.
#[derive(Clone)]
pub struct Visitor {
    pub(crate) site: Site,
    admin: Option<Admin>,
}

/// Somebody who gave the secret.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Belongs into every form: only a page of ours knows it, so only a page of ours can send the form.
    pub form_token: String,
}

impl Visitor {
    /// The visitor as somebody signed in, if that is so.
    #[must_use]
    pub fn admin(&self) -> Option<&Admin> {
        self.admin.as_ref()
    }

    pub(crate) async fn of(request: &HttpRequest) -> Self {
        let site = site(request);
        let admin = site.key().ok().and_then(|key| {
            let value = request.cookie(site.brand.cookie)?.value().to_owned();
            cookie::is_valid(key, &value, Utc::now()).then(|| Admin::of(key, &value))
        });
        Self { site, admin }
    }
}

fn site(request: &HttpRequest) -> Site {
    Site::clone(request.app_data::<Data<Site>>().expect("the server gives every request its site"))
}

impl Admin {
    fn of(key: &Key, session: &str) -> Self {
        Self { form_token: key.sign(PURPOSE, session) }
    }

    /// Refuses a form that another site made this person send.
    ///
    /// # Errors
    /// When `token` is not this session's.
    pub fn check_form(&self, token: &str) -> Result<(), Fault> {
        let same: bool = self.form_token.as_bytes().ct_eq(token.as_bytes()).into();
        if same { Ok(()) } else { Err(Fault::Forged) }
    }
}

impl FromRequest for Visitor {
    type Error = Fault;
    type Future = LocalBoxFuture<'static, Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self::of(&request).await) })
    }
}

/// Whoever is not signed in is sent to sign in.
impl FromRequest for Admin {
    type Error = Fault;
    type Future = LocalBoxFuture<'static, Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let visitor = Visitor::of(&request).await;
            visitor.site.key()?;
            visitor.admin.ok_or(Fault::SignedOut)
        })
    }
}
