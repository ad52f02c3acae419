//! The page of open sessions, where they can be ended.

use actix_web::{
    HttpResponse,
    web::{self, Data, Form, Path, ServiceConfig},
};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

use super::store::{self, Session};
use crate::{
    Admin, Fault, Site, Visitor,
    layout::{Layout, action, page},
    read, see, time,
};

#[derive(Deserialize)]
struct Button {
    form_token: String,
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(read("/sessions", show))
        .service(web::resource("/sessions/end-others").route(web::post().to(end_others)))
        .service(web::resource("/sessions/{id}/end").route(web::post().to(end)));
}

async fn show(site: Data<Site>, admin: Admin, visitor: Visitor) -> Result<Markup, Fault> {
    let sessions = store::open_ones(&mut *site.connection().await?, site.process()).await?;
    let content = html! {
        h1 { "Sessions" }
        p { "Everyone who is signed in. A session ends 30 days after it was opened." }
        (table(&sessions, &admin, Utc::now()))
        div.actions { (action(&admin, "/sessions/end-others", "End all others")) }
    };
    Ok(page(&Layout { title: "Sessions", visitor: &visitor, refresh: 0, icon: None }, &content))
}

fn table(sessions: &[Session], admin: &Admin, now: DateTime<Utc>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Sessions" { table {
            thead { tr { th { "Opened" } th { "Last seen" } th { "From" } th { "Program" } th {} } }
            tbody {
                @for session in sessions {
                    tr {
                        td { (time::ago(session.opened_at, now)) }
                        td { (time::ago(session.seen_at, now)) }
                        td { (session.address) }
                        td { bdi { (session.client) } }
                        td {
                            @if session.id == admin.session { "This one" }
                            @else { (action(admin, &format!("/sessions/{}/end", session.id), "End")) }
                        }
                    }
                }
            }
        } }
    }
}

async fn end(
    site: Data<Site>,
    admin: Admin,
    id: Path<Uuid>,
    button: Form<Button>,
) -> Result<HttpResponse, Fault> {
    admin.check_form(&button.form_token)?;
    let mut connection = site.connection().await?;
    if !store::end(&mut connection, site.process(), *id, admin.actor.name()).await? {
        return Err(Fault::Missing("session"));
    }
    admin.actor.note(&mut connection, "sessions", "end a session").await?;
    Ok(see("/sessions"))
}

async fn end_others(site: Data<Site>, admin: Admin, button: Form<Button>) -> Result<HttpResponse, Fault> {
    admin.check_form(&button.form_token)?;
    let mut connection = site.connection().await?;
    store::end_others(&mut connection, site.process(), admin.session, admin.actor.name()).await?;
    admin.actor.note(&mut connection, "sessions", "end all other sessions").await?;
    Ok(see("/sessions"))
}
