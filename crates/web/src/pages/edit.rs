//! Adding, changing, pausing, pinging and deleting a service.

use actix_web::{
    Either, HttpResponse,
    http::StatusCode,
    web::{Data, Form as Posted, Path},
};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use models::{
    NewService, Service,
    services::{self, Deleted, Updated},
};
use serde::Deserialize;
use sides_web::{
    Admin, Fault, FieldFault, Visitor,
    layout::{Layout, page},
    see,
};

use super::service_form::{Form, Typed};
use crate::{
    draft::{Draft, Rules},
    moment,
    site::Site,
    watching::{self, edited_meanwhile, own_process, subject},
};

/// A page to correct, or the way on.
type Outcome = Result<Either<(Markup, StatusCode), HttpResponse>, Fault>;

#[derive(Deserialize)]
pub(super) struct Button {
    form_token: String,
}

pub(super) async fn blank(admin: Admin, visitor: Visitor) -> Markup {
    show(&visitor, &admin, None, &Typed::from(&Draft::default()), &[])
}

pub(super) async fn add(site: Data<Site>, admin: Admin, visitor: Visitor, typed: Posted<Typed>) -> Outcome {
    admin.check_form(&typed.form_token)?;
    let rules = Rules { egress: &site.egress, own_process: false };
    let new = match check(&typed, rules) {
        Ok(new) => new,
        Err(faults) => return Ok(again(show(&visitor, &admin, None, &typed, &faults))),
    };
    let service = watching::add(&site, &mut *site.connection().await?, &admin.actor, &new).await?;
    Ok(Either::Right(see(format!("/services/{}", service.id))))
}

pub(super) async fn form(
    site: Data<Site>,
    admin: Admin,
    visitor: Visitor,
    id: Path<i64>,
) -> Result<Markup, Fault> {
    let service = find(&site, *id).await?;
    Ok(show(&visitor, &admin, Some(&service), &Typed::of(&service), &[]))
}

pub(super) async fn change(
    site: Data<Site>,
    admin: Admin,
    visitor: Visitor,
    id: Path<i64>,
    typed: Posted<Typed>,
) -> Outcome {
    admin.check_form(&typed.form_token)?;
    let service = find(&site, *id).await?;
    let rules = Rules { egress: &site.egress, own_process: service.process.is_some() };
    let new = match check(&typed, rules) {
        Ok(new) => new,
        Err(faults) => return Ok(again(show(&visitor, &admin, Some(&service), &typed, &faults))),
    };
    let seen = DateTime::parse_from_rfc3339(&typed.seen).map_err(|_| Fault::Forged)?.with_timezone(&Utc);
    let seen = moment::check("seen", seen)?;
    let mut connection = site.connection().await?;
    match services::update(&mut connection, *id, Some(seen), &new).await? {
        Updated::Done(_) => {
            admin.actor.note(&mut connection, &subject(*id), "change a service").await?;
            Ok(Either::Right(see(format!("/services/{id}"))))
        }
        Updated::Conflict => Err(edited_meanwhile()),
        Updated::Missing => Err(Fault::Missing("service")),
    }
}

pub(super) async fn ping(
    site: Data<Site>,
    admin: Admin,
    id: Path<i64>,
    button: Posted<Button>,
) -> Result<HttpResponse, Fault> {
    admin.check_form(&button.form_token)?;
    find(&site, *id).await?;
    watching::ping_now(&site, &mut *site.connection().await?, *id).await?;
    Ok(see(format!("/services/{id}")))
}

pub(super) async fn pause(
    site: Data<Site>,
    admin: Admin,
    id: Path<i64>,
    button: Posted<Button>,
) -> Result<HttpResponse, Fault> {
    set_paused(&site, &admin, *id, &button, true).await
}

pub(super) async fn resume(
    site: Data<Site>,
    admin: Admin,
    id: Path<i64>,
    button: Posted<Button>,
) -> Result<HttpResponse, Fault> {
    set_paused(&site, &admin, *id, &button, false).await
}

async fn set_paused(
    site: &Site,
    admin: &Admin,
    id: i64,
    button: &Button,
    paused: bool,
) -> Result<HttpResponse, Fault> {
    admin.check_form(&button.form_token)?;
    watching::set_paused(site, &mut *site.connection().await?, &admin.actor, id, paused).await?;
    Ok(see(format!("/services/{id}")))
}

pub(super) async fn delete(
    site: Data<Site>,
    admin: Admin,
    id: Path<i64>,
    button: Posted<Button>,
) -> Result<HttpResponse, Fault> {
    admin.check_form(&button.form_token)?;
    let service = find(&site, *id).await?;
    let mut connection = site.connection().await?;
    match services::delete(&mut connection, *id).await? {
        Deleted::Done => {
            admin.actor.note(&mut connection, &subject(*id), "delete a service").await?;
            Ok(see("/"))
        }
        Deleted::OwnProcess => Err(own_process(&service.name)),
        Deleted::Missing => Err(Fault::Missing("service")),
    }
}

async fn find(site: &Site, id: i64) -> Result<Service, Fault> {
    let found = site.read(async |connection| Ok(services::find(connection, id).await?)).await?;
    found.ok_or(Fault::Missing("service"))
}

fn check(typed: &Typed, rules: Rules<'_>) -> Result<NewService, Vec<FieldFault>> {
    let (draft, mut faults) = typed.draft(rules);
    match draft.check(rules) {
        Ok(new) if faults.is_empty() => Ok(new),
        Ok(_) => Err(faults),
        // A field that is not a number has its say once.
        Err(more) => {
            let unsaid = |fault: &FieldFault| faults.iter().all(|said| said.field != fault.field);
            let more: Vec<_> = more.into_iter().filter(unsaid).collect();
            faults.extend(more);
            Err(faults)
        }
    }
}

fn again(markup: Markup) -> Either<(Markup, StatusCode), HttpResponse> {
    Either::Left((markup, StatusCode::UNPROCESSABLE_ENTITY))
}

fn show(
    visitor: &Visitor,
    admin: &Admin,
    service: Option<&Service>,
    typed: &Typed,
    faults: &[FieldFault],
) -> Markup {
    let (title, action, back, submit) = match service {
        Some(service) => {
            let place = format!("/services/{}", service.id);
            (format!("Edit {}", service.name), place.clone(), place, "Save")
        }
        None => ("Add a service".to_owned(), "/services".to_owned(), "/".to_owned(), "Add"),
    };
    let own_process = service.is_some_and(|service| service.process.is_some());
    let form = Form { admin, action: &action, back: &back, submit, own_process, faults };
    let content = html! { h1 { (title) } (form.render(typed)) };
    page(&Layout { title: &title, visitor, refresh: 0, icon: None }, &content)
}
