//! A fault as a page.

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, StatusCode, header},
    middleware::Next,
};
use maud::{Markup, html};

use super::Fault;
use crate::{
    layout::{Layout, page},
    session::Visitor,
};

/// Middleware for all that was not told yet: a page that says what happened and what to do next. Anyone who must
/// sign in is sent to do so, and comes back to the page asked for.
pub(crate) async fn as_page(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let answer = match response.response().error().and_then(|error| error.as_error::<Fault>()) {
        Some(fault) => answer(fault, response.request()).await,
        None if response.status() == StatusCode::METHOD_NOT_ALLOWED && !has_content(&response) => {
            answer(&Fault::Method, response.request()).await
        }
        None => return Ok(response),
    };
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut answered = response.into_response(answer);
    if let Some(allow) = allow {
        answered.headers_mut().insert(header::ALLOW, allow);
    }
    Ok(answered)
}

fn has_content(response: &ServiceResponse) -> bool {
    response.headers().contains_key(header::CONTENT_TYPE)
}

async fn answer(fault: &Fault, request: &HttpRequest) -> HttpResponse {
    if matches!(fault, Fault::SignedOut) {
        let back = if *request.method() == Method::GET { request.path() } else { "/" };
        return crate::see(format!("/sign-in?next={back}"));
    }
    let visitor = Visitor::of(request).await;
    let mut answer = fault.answer();
    answer.content_type("text/html; charset=utf-8").body(render(fault, &visitor).into_string())
}

fn render(fault: &Fault, visitor: &Visitor) -> Markup {
    let title = match fault.status().as_u16() {
        404 => "Not found",
        403 => "Not allowed",
        405 | 408 | 409 | 429 => "Not done",
        503 => "Not available right now",
        _ => "Not understood",
    };
    let content = html! {
        h1 { (title) }
        p { (fault) }
        @if let Fault::Fields(fields) = fault {
            ul { @for field in fields { li { (field.field) ": " (field.message) } } }
        }
        p { a href="/" { "Go to the home page" } }
    };
    page(&Layout { title, visitor, refresh: 0, icon: None }, &content)
}
