//! Whether a program may use an API.

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web::Data};
use futures_util::future::LocalBoxFuture;

use crate::{Fault, Site, actor::Actor, client};

/// Proof that the request carries `Authorization: Bearer <secret>`. Cookies do not count, so no form of another
/// site gets here.
#[derive(Debug, Clone)]
pub struct Bearer {
    /// As what this program does is written down.
    pub actor: Actor,
}

impl FromRequest for Bearer {
    type Error = Fault;
    type Future = LocalBoxFuture<'static, Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let site = request.app_data::<Data<Site>>().ok_or(Fault::SignedOut)?;
            site.key()?;
            let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            let given = given.and_then(token).ok_or(Fault::SignedOut)?;
            if !site.try_secret(given, &request, "the API").await? {
                return Err(Fault::SignedOut);
            }
            Ok(Self { actor: Actor::new(format!("API from {}", client::address(&request))) })
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
