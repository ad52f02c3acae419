//! Whether a program may use an API.

use std::time::Duration;

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web::Data};
use futures_util::future::LocalBoxFuture;

use crate::{Fault, Site};

/// How long a wrong secret waits for its answer. Guessing is hopeless anyway; this keeps it cheap for us.
const WRONG_SECRET_DELAY: Duration = Duration::from_millis(500);

/// Proof that the request carries `Authorization: Bearer <secret>`. Cookies do not count, so no form of another
/// site gets here.
#[derive(Debug)]
pub struct Bearer;

impl FromRequest for Bearer {
    type Error = Fault;
    type Future = LocalBoxFuture<'static, Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let site = request.app_data::<Data<Site>>().cloned();
        let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(token).map(str::to_owned);
        Box::pin(async move {
            let site = site.ok_or(Fault::SignedOut)?;
            let key = site.key()?;
            let token = token.ok_or(Fault::SignedOut)?;
            if key.is(&token) {
                return Ok(Self);
            }
            tokio::time::sleep(WRONG_SECRET_DELAY).await;
            Err(Fault::SignedOut)
        })
    }
}

/// The scheme's name may be written in any case.
fn token(given: &str) -> Option<&str> {
    let (scheme, token) = given.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for given in ["Bearer abc", "bearer abc", "BEARER  abc "] {
            assert_eq!(token(given), Some("abc"), "{given}");
        }
        for other in ["Basic abc", "Bearerabc", "abc"] {
            assert_eq!(token(other), None, "{other}");
        }
    }
}
