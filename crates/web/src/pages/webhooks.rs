//! The webhooks that are notified of incidents.

use actix_web::{
    Either, HttpResponse,
    http::StatusCode,
    web::{Data, Form, Path},
};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use models::{Webhook, WebhookDelivery, webhooks};
use serde::Deserialize;
use sides_web::{
    Admin, Fault, Visitor,
    layout::{Layout, action, form_token, page},
    new_secret, see, time,
};

use super::clipped;
use crate::{
    api::webhooks::{KNOWN, set_paused},
    draft::check_url,
    site::Site,
};

#[derive(Deserialize)]
pub(super) struct New {
    form_token: String,
    url: String,
}

#[derive(Deserialize)]
pub(super) struct Button {
    form_token: String,
}

/// What stands at the form: nothing, a fault, or the webhook that was just made.
enum Said<'a> {
    Nothing,
    Fault { typed: &'a str, message: &'a str },
    Made(&'a Webhook),
}

pub(super) async fn show(site: Data<Site>, admin: Admin, visitor: Visitor) -> Result<Markup, Fault> {
    render(&site, &admin, &visitor, &Said::Nothing).await
}

/// Answers with the page itself: the secret is shown this once, and must not lie behind an address.
pub(super) async fn add(
    site: Data<Site>,
    admin: Admin,
    visitor: Visitor,
    new: Form<New>,
) -> Result<Either<(Markup, StatusCode), Markup>, Fault> {
    admin.check_form(&new.form_token)?;
    let url = match check_url(&new.url, &site.egress) {
        Ok(url) => url,
        Err(message) => {
            let said = Said::Fault { typed: &new.url, message: &message };
            let markup = render(&site, &admin, &visitor, &said).await?;
            return Ok(Either::Left((markup, StatusCode::UNPROCESSABLE_ENTITY)));
        }
    };
    let mut connection = site.connection().await?;
    let Some(webhook) = webhooks::add(&mut connection, &url, &new_secret()).await? else {
        drop(connection);
        let said = Said::Fault { typed: &new.url, message: KNOWN };
        let markup = render(&site, &admin, &visitor, &said).await?;
        return Ok(Either::Left((markup, StatusCode::UNPROCESSABLE_ENTITY)));
    };
    admin.actor.note(&mut connection, &format!("webhook {}", webhook.id), "add a webhook").await?;
    drop(connection);
    Ok(Either::Right(render(&site, &admin, &visitor, &Said::Made(&webhook)).await?))
}

pub(super) async fn delete(
    site: Data<Site>,
    admin: Admin,
    id: Path<i64>,
    button: Form<Button>,
) -> Result<HttpResponse, Fault> {
    admin.check_form(&button.form_token)?;
    let mut connection = site.connection().await?;
    match webhooks::delete(&mut connection, *id).await? {
        true => {
            admin.actor.note(&mut connection, &format!("webhook {id}"), "delete a webhook").await?;
            Ok(see("/webhooks"))
        }
        false => Err(Fault::Missing("webhook")),
    }
}

pub(super) async fn pause(
    site: Data<Site>,
    admin: Admin,
    id: Path<i64>,
    button: Form<Button>,
) -> Result<HttpResponse, Fault> {
    admin.check_form(&button.form_token)?;
    set_paused(&site, &admin.actor, *id, true).await?;
    Ok(see("/webhooks"))
}

pub(super) async fn resume(
    site: Data<Site>,
    admin: Admin,
    id: Path<i64>,
    button: Form<Button>,
) -> Result<HttpResponse, Fault> {
    admin.check_form(&button.form_token)?;
    set_paused(&site, &admin.actor, *id, false).await?;
    Ok(see("/webhooks"))
}

async fn render(site: &Site, admin: &Admin, visitor: &Visitor, said: &Said<'_>) -> Result<Markup, Fault> {
    let now = Utc::now();
    let all = site.read(async |connection| Ok(webhooks::all(connection).await?)).await?;
    let content = html! {
        h1 { "Webhooks" }
        p { "Each gets one signed POST when an incident opens and one when it closes." }
        @if let Said::Made(webhook) = said {
            div.notice role="status" {
                p { "Added. This is its secret, shown this once:" }
                p { code.secret { (webhook.secret) } }
                p {
                    "A notification carries the HMAC-SHA256 of its time and body under this secret; "
                    "verify it before you trust one."
                }
            }
        }
        (form(admin, said))
        @if all.is_empty() { p.quiet { "None yet." } }
        ul.incidents {
            @for (webhook, newest) in &all { (one(admin, webhook, newest.as_ref(), now)) }
        }
    };
    Ok(page(&Layout { title: "Webhooks", visitor, refresh: 0, icon: None }, &content))
}

fn form(admin: &Admin, said: &Said<'_>) -> Markup {
    let (typed, hint, faulty) = match said {
        Said::Fault { typed, message } => (*typed, *message, true),
        _ => ("", "Such as https://example.com/hooks/status", false),
    };
    html! {
        form.fields method="post" action="/webhooks" {
            (form_token(admin))
            div.field.faulty[faulty] {
                label for="url" { "Address" }
                input #url name="url" value=(typed) aria-describedby="url-hint" aria-invalid=[faulty.then_some("true")] autofocus[faulty] autocomplete="off";
                p.hint #url-hint { (hint) }
            }
            div.actions { button.primary { "Add" } }
        }
    }
}

fn one(admin: &Admin, webhook: &Webhook, newest: Option<&WebhookDelivery>, now: DateTime<Utc>) -> Markup {
    let at = |what: &str| format!("/webhooks/{}/{what}", webhook.id);
    html! {
        li.open[newest.is_some_and(|delivery| delivery.last_error.is_some() && delivery.delivered_at.is_none())] {
            p.what { (webhook.url) }
            p.when {
                @match newest {
                    None => "Nothing sent yet.",
                    Some(delivery) => {
                        "Last notified: incident " (delivery.incident_id) " " (delivery.transition) ", "
                        @match delivery.delivered_at {
                            Some(delivered) => { "accepted " (time::ago(delivered, now)) },
                            None => { "not accepted yet, since " (time::ago(delivery.created_at, now)) },
                        }
                    },
                }
            }
            @if let Some(error) = newest.and_then(|delivery| delivery.last_error.as_deref()) { p.why { (clipped(error)) } }
            @match webhook.disabled_at {
                Some(since) => {
                    p.when { "Paused " (time::ago(since, now)) ". Incidents in the meantime are not sent later." }
                    (action(admin, &at("resume"), "Resume"))
                }
                None => (action(admin, &at("pause"), "Pause")),
            }
            details.danger {
                summary.button { "Delete" }
                p { "This address is no longer notified, and its secret is deleted." }
                (action(admin, &at("delete"), "Delete it"))
            }
        }
    }
}
