//! Who sends a request to a page.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, http::Method, web::Data};
use chrono::Utc;
use subtle::ConstantTimeEq as _;

use super::{Key, cookie};
use crate::{
    fault::{Fault, PageFault},
    site::Site,
};

const PURPOSE: &str = "form";

/// Anybody.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    admin: Option<Admin>,
}

/// Somebody who gave the admin token.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    /// Belongs into every form: only a page of ours knows it, so only a page of ours can send the form.
    pub(crate) form_token: String,
}

impl Visitor {
    pub(crate) fn admin(&self) -> Option<&Admin> {
        self.admin.as_ref()
    }

    fn of(request: &HttpRequest) -> Self {
        let key = request.app_data::<Data<Site>>().and_then(|site| site.key.as_ref());
        let admin = key.and_then(|key| {
            let value = request.cookie(cookie::NAME)?.value().to_owned();
            cookie::is_valid(key, &value, Utc::now()).then(|| Admin::of(key, &value))
        });
        Self { admin }
    }
}

impl Admin {
    fn of(key: &Key, session: &str) -> Self {
        Self { form_token: key.sign(PURPOSE, session) }
    }

    /// Refuses a form that another site made this person send.
    pub(crate) fn check_form(&self, token: &str) -> Result<(), Fault> {
        let same: bool = self.form_token.as_bytes().ct_eq(token.as_bytes()).into();
        if same { Ok(()) } else { Err(Fault::Forged) }
    }
}

impl FromRequest for Visitor {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

/// Whoever is not signed in is sent to sign in, and comes back to the page asked for.
impl FromRequest for Admin {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if let Some(admin) = Visitor::of(request).admin {
            return ready(Ok(admin));
        }
        let has_key = request.app_data::<Data<Site>>().is_some_and(|site| site.key.is_some());
        if !has_key {
            return ready(Err(PageFault::from(Fault::NoToken).into()));
        }
        let back = if *request.method() == Method::GET { request.path() } else { "/" };
        let place = format!("/sign-in?next={back}");
        let response = HttpResponse::SeeOther().insert_header(("location", place)).finish();
        let fault = Fault::SignedOut;
        ready(Err(actix_web::error::InternalError::from_response(fault, response).into()))
    }
}
