//! Signing in with the secret, and out again.

use std::time::Duration;

use actix_web::{
    Either, HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Data, Form, Query},
};
use chrono::Utc;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Admin, Fault, Site, Visitor,
    layout::{Layout, page},
    see, session,
};

const WRONG_TOKEN_DELAY: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
pub(crate) struct Asked {
    next: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct SignIn {
    token: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(crate) struct SignOut {
    form_token: String,
}

pub(crate) async fn show(visitor: Visitor, asked: Query<Asked>) -> Result<Markup, Fault> {
    visitor.site.key()?;
    Ok(form(&visitor, asked.next.as_deref().unwrap_or("/"), false))
}

pub(crate) async fn sign_in(
    request: HttpRequest,
    site: Data<Site>,
    visitor: Visitor,
    given: Form<SignIn>,
) -> Result<Either<(Markup, StatusCode), HttpResponse>, Fault> {
    let key = site.key()?;
    if !key.is(&given.token) {
        tracing::warn!(peer = request.peer_addr().map(|peer| peer.ip().to_string()), "a wrong secret");
        tokio::time::sleep(WRONG_TOKEN_DELAY).await;
        return Ok(Either::Left((form(&visitor, &given.next, true), StatusCode::UNAUTHORIZED)));
    }
    let secure = request.connection_info().scheme() == "https";
    let cookie = session::opened(site.brand.cookie, key, Utc::now(), secure);
    let mut answer = HttpResponse::SeeOther();
    answer.insert_header((header::LOCATION, local(&given.next)));
    Ok(Either::Right(answer.cookie(cookie).finish()))
}

pub(crate) async fn sign_out(
    site: Data<Site>,
    admin: Admin,
    form: Form<SignOut>,
) -> Result<HttpResponse, Fault> {
    admin.check_form(&form.form_token)?;
    let mut answer = see("/");
    answer.add_cookie(&session::ended(site.brand.cookie)).map_err(|_| Fault::Forged)?;
    Ok(answer)
}

fn form(visitor: &Visitor, next: &str, wrong: bool) -> Markup {
    let brand = &visitor.site.brand;
    let content = html! {
        h1 { "Sign in" }
        form.fields method="post" action="/sign-in" {
            input type="hidden" name="next" value=(local(next));
            div.field.faulty[wrong] {
                label for="token" { (brand.secret_name) }
                input #token type="password" name="token" required autofocus autocomplete="current-password"
                    aria-describedby="token-hint";
                p.hint #token-hint {
                    @if wrong { "This is not right. Check it and try again." }
                    @else { "The value of " (brand.secret_variable) " that this process was started with." }
                }
            }
            div.actions { button.primary { "Sign in" } a.button href="/" { "Cancel" } }
        }
    };
    page(&Layout { title: "Sign in", visitor, refresh: 0 }, &content)
}

/// A place on this site, whatever was asked for: nobody is sent elsewhere after signing in.
fn local(next: &str) -> String {
    let is_local = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.chars().any(char::is_control);
    if is_local { next.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        assert_eq!(local("/services/3"), "/services/3");
        for elsewhere in ["https://evil.example", "//evil.example", "/\\evil.example", "", "/\nx", "evil"] {
            assert_eq!(local(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
