//! The pages in a real browser: a service is added, seen going down and coming back.

use testing::TestDatabase;

use crate::{
    browser::{Browser, Look},
    sandbox::Sandbox,
    site::Site,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_adds_a_service_and_watches_it_go_down_and_come_back() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::new().on(&database);
    let mut site = Site::open().await;
    let mut dev = sandbox.dev();
    let home = dev.ready().await;
    let token = std::fs::read_to_string(sandbox.file(".sides/admin_token")).unwrap();
    let desktop = Browser::open(Look::Desktop).await;
    desktop.open_page(&home).await;
    desktop.shows("h1", "").await;
    sign_in(&desktop, &home, token.trim()).await;

    desktop.click("a[href='/services/new']").await;
    desktop.fill("#name", "The shop").await;
    desktop.fill("#url", "not an address").await;
    desktop.click("button.primary").await;
    desktop.shows("#url-hint", "This is not an address").await;
    desktop.look_at("refused").await;
    assert_eq!(desktop.ask("return document.querySelector('#name').value").await, "The shop");
    desktop.fill("#url", &site.url()).await;
    desktop.fill("#interval_seconds", "5").await;
    desktop.fill("#timeout_ms", "1000").await;
    desktop.fill("#failures_before_incident", "1").await;
    desktop.click("button.primary").await;

    desktop.shows("h1", "The shop").await;
    let service = desktop.ask("return location.href").await.as_str().unwrap().to_owned();
    desktop.ask("window.loadedOnce = true").await;
    desktop.shows("main .pill", "Up").await;
    site.die().await;
    desktop.shows("main .pill", "Down").await;
    desktop.shows(".incidents .open", "Connection refused").await;
    desktop.look_at("service-down").await;
    let phone = Browser::open(Look::Phone).await;
    phone.open_page(&home).await;
    phone.shows("h1", "Some services are down").await;
    phone.look_at("status-down").await;
    site.come_back().await;
    desktop.shows("main .pill", "Up").await;
    desktop.shows(".incidents", ", for ").await;
    assert_eq!(desktop.ask("return window.loadedOnce").await, true, "the page keeps itself up to date");

    sign_in(&phone, &home, token.trim()).await;
    for browser in [&desktop, &phone] {
        for (name, address) in [
            ("status", home.clone()),
            ("service", service.clone()),
            ("edit", format!("{service}/edit")),
            ("operations", format!("{home}/operations")),
            ("webhooks", format!("{home}/webhooks")),
            ("not-found", format!("{home}/nothing")),
        ] {
            browser.open_page(&address).await;
            browser.look_at(name).await;
        }
    }
    desktop.close().await;
    phone.close().await;
    dev.interrupt();
    assert_eq!(dev.ended().await.code(), Some(0));
}

async fn sign_in(browser: &Browser, home: &str, token: &str) {
    browser.open_page(&format!("{home}/sign-in")).await;
    browser.look_at("sign-in").await;
    browser.fill("#token", token).await;
    browser.click("button.primary").await;
    browser.shows("nav", "Sign out").await;
}
