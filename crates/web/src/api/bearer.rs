//! Whether a program may use the API.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web::Data};

use crate::{
    fault::{ApiFault, Fault},
    site::Site,
};

/// How long a wrong token waits for its answer. Guessing is hopeless anyway; this keeps it cheap for us.
const WRONG_TOKEN_DELAY: Duration = Duration::from_millis(500);

/// Proof that the request carries the admin token. Cookies do not count, so no form of another site gets here.
pub(super) struct Bearer;

impl FromRequest for Bearer {
    type Error = ApiFault;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiFault>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let site = request.app_data::<Data<Site>>().cloned();
        let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
        Box::pin(async move {
            let key = site.as_ref().and_then(|site| site.key.as_ref()).ok_or(Fault::NoToken)?;
            let token = token.ok_or(Fault::SignedOut)?;
            if key.is(&token) {
                return Ok(Self);
            }
            tokio::time::sleep(WRONG_TOKEN_DELAY).await;
            Err(Fault::SignedOut.into())
        })
    }
}
