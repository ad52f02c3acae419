//! The front page: the latest greetings.

use actix_web::web::Data;
use maud::{Markup, html};
use models::greetings::{self, Greeting};
use sides_web::{
    Fault, Site, Visitor,
    layout::{Layout, page},
};

const MOST: i64 = 50;

pub(crate) async fn show(site: Data<Site>, visitor: Visitor) -> Result<Markup, Fault> {
    let mut connection = site.connection().await?;
    let newest = greetings::newest(&mut connection, MOST).await?;
    let layout = Layout { title: "Greetings", visitor: &visitor, refresh: 10, icon: None };
    Ok(page(&layout, &content(&newest)))
}

fn content(greetings: &[Greeting]) -> Markup {
    html! {
        h1 { "Greetings" }
        @if greetings.is_empty() {
            p.quiet { "Nobody has been greeted yet: the clock asks for it once a minute." }
        }
        ul {
            @for greeting in greetings {
                li { "Hello, " (greeting.name) "! " span.quiet { (greeting.created_at.to_rfc3339()) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_page_says_why_and_names_are_escaped() {
        assert!(content(&[]).into_string().contains("Nobody has been greeted yet"));
        let greeting = Greeting { id: 1, name: "<b>".to_owned(), created_at: Default::default() };
        assert!(content(&[greeting]).into_string().contains("Hello, &lt;b&gt;!"));
    }
}
