//! Who sends a request to a page.

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, web::Data};
use futures_util::future::LocalBoxFuture;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{SessionCookie, key::mac, store};
use crate::{Fault, Site, actor::Actor, client};

const PURPOSE: &str = "form";

/// Anybody.
#[derive(Clone)]
pub struct Visitor {
    pub(crate) site: Site,
    admin: Option<Admin>,
}

/// Somebody who gave the secret, and has a session since.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Belongs into every form: only a page of ours knows it, so only a page of ours can send the form.
    pub form_token: String,
    /// As what this person does is written down.
    pub actor: Actor,
    pub(crate) session: Uuid,
}

/// What was found out about a request, once.
#[derive(Clone)]
struct Found(Option<Admin>);

impl Visitor {
    /// The visitor as somebody signed in, if that is so.
    #[must_use]
    pub fn admin(&self) -> Option<&Admin> {
        self.admin.as_ref()
    }

    /// Without a database nobody is known to be signed in; pages for everybody go on.
    pub(crate) async fn of(request: &HttpRequest) -> Self {
        Self { site: site(request), admin: find(request).await.unwrap_or_default() }
    }
}

fn site(request: &HttpRequest) -> Site {
    Site::clone(request.app_data::<Data<Site>>().expect("the server gives every request its site"))
}

async fn find(request: &HttpRequest) -> Result<Option<Admin>, Fault> {
    let found = request.extensions().get::<Found>().cloned();
    if let Some(Found(admin)) = found {
        return Ok(admin);
    }
    let site = site(request);
    let (Ok(key), Some(cookie)) = (site.key(), SessionCookie::of(request, site.brand.cookie)) else {
        return Ok(None);
    };
    let session = store::find(&mut *site.connection().await?, site.process(), &cookie.digest()).await?;
    let admin = session.filter(|(_, proof)| key.has_opened(cookie.value(), proof)).map(|(id, _)| Admin {
        form_token: hex::encode(mac(cookie.value().as_bytes(), PURPOSE, "")),
        actor: actor(id, request),
        session: id,
    });
    request.extensions_mut().insert(Found(admin.clone()));
    Ok(admin)
}

/// The end of the id is random, its beginning is the time.
pub(crate) fn actor(session: Uuid, request: &HttpRequest) -> Actor {
    let id = session.simple().to_string();
    Actor::new(format!("session {} from {}", &id[24..], client::address(request)))
}

impl Admin {
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

/// Anyone who is not signed in is sent to sign in.
impl FromRequest for Admin {
    type Error = Fault;
    type Future = LocalBoxFuture<'static, Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            site(&request).key()?;
            find(&request).await?.ok_or(Fault::SignedOut)
        })
    }
}
