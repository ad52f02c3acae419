//! The token reaches nothing that is printed.

use platform::place::Place as _;
use sides_heroku::{Client, Heroku, Token};

use crate::fixture::{client, http, settings};

#[tokio::test]
async fn neither_errors_nor_debug_output_hold_the_token() {
    let simulator = simulator::Heroku::start(simulator::Settings::default());
    let wrong = "HRKU-a-wrong-token-4711";
    let refused = Client::new(&simulator.url(), Token::new(wrong), http(&simulator));
    let gone = Client::new("http://127.0.0.1:9", Token::new(wrong), http(&simulator));
    assert!(!format!("{refused:?} {}", Token::new(wrong)).contains("4711"));
    for client in [refused, gone] {
        let mut impatient = settings();
        impatient.apps.retain(|process, _| process == "web");
        let place = Heroku::new("heroku", client, impatient);
        let asked = tokio::time::timeout(std::time::Duration::from_secs(3), place.instances("web")).await;
        let Ok(asked) = asked else { continue };
        let error = asked.unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains("4711") && said.contains("HEROKU_API_KEY"), "{said}");
    }
}

#[tokio::test]
async fn an_app_that_is_missing_is_named_with_what_to_do() {
    let simulator = simulator::Heroku::start(simulator::Settings::default());
    let place = Heroku::new("heroku", client(&simulator), settings());
    let error = place.instances("web").await.unwrap_err().to_string();
    assert!(error.contains("/apps/acme-web/dynos") && error.contains("sides setup heroku"), "{error}");
}
