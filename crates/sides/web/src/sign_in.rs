//! Signing in with the token, and signing out.

use actix_web::{
    Either, HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Data, Form, Query},
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Admin, Fault, Site, Visitor, client,
    layout::{Layout, page},
    see,
    session::{self, Opening, SessionCookie, actor},
};

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
    if !site.try_secret(&given.token, &request, "the pages").await? {
        return Ok(Either::Left((form(&visitor, &given.next, true), StatusCode::UNAUTHORIZED)));
    }
    let cookie = SessionCookie::new();
    let opening = Opening {
        site: site.process(),
        cookie: cookie.digest(),
        proof: key.proof(cookie.value()),
        address: &client::address(&request).to_string(),
        client: client::program(&request),
    };
    let mut connection = site.connection().await?;
    let id = session::open(&mut connection, &opening).await?;
    actor(id, &request).note(&mut connection, "sessions", "sign in").await?;
    let mut answer = HttpResponse::SeeOther();
    answer.insert_header((header::LOCATION, local(&given.next)));
    let cookie = cookie.set(site.brand.cookie, is_secure(&request));
    Ok(Either::Right(answer.cookie(cookie).finish()))
}

/// Ends the session itself, and takes its cookie from the browser.
pub(crate) async fn sign_out(
    request: HttpRequest,
    site: Data<Site>,
    admin: Admin,
    form: Form<SignOut>,
) -> Result<HttpResponse, Fault> {
    admin.check_form(&form.form_token)?;
    let mut connection = site.connection().await?;
    session::end(&mut connection, site.process(), admin.session, admin.actor.name()).await?;
    admin.actor.note(&mut connection, "sessions", "sign out").await?;
    let mut answer = see("/");
    answer
        .add_cookie(&session::removed(site.brand.cookie, is_secure(&request)))
        .map_err(|_| Fault::Forged)?;
    Ok(answer)
}

fn is_secure(request: &HttpRequest) -> bool {
    request.connection_info().scheme() == "https"
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
                    @if wrong { "That token is not correct. Check it and try again." }
                    @else { "The value of " (brand.secret_variable) " that this process was started with." }
                }
            }
            div.actions { button.primary { "Sign in" } a.button href="/" { "Cancel" } }
        }
    };
    page(&Layout { title: "Sign in", visitor, refresh: 0, icon: None }, &content)
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
