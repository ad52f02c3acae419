//! An open page, in a real browser: it never says that all is well without knowing.

use std::{process::Command, time::Duration};

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use testing::{Program, TestDatabase, wait_until};

use crate::{fixture::Web, rows};

const PATIENCE: Duration = Duration::from_secs(60);

struct Browser {
    client: Client,
    _driver: Program,
    _profile: TempDir,
}

impl Browser {
    async fn open(address: &str) -> Self {
        const BEFORE: &str = "started successfully on port ";
        let profile = tempfile::tempdir().unwrap();
        let browser = testing::browser();
        let driver = Program::start(Command::new(&browser.driver).arg("--port=0"));
        driver.says(BEFORE).await;
        let output = driver.output();
        let port = output.split(BEFORE).nth(1).unwrap().split('.').next().unwrap();
        let options = json!({
            "binary": browser.program,
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                format!("--user-data-dir={}", profile.path().display()),
            ],
        });
        let capabilities = json!({ "browserName": "chrome", "goog:chromeOptions": options });
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap_or_else(|error| panic!("Chromium does not start: {error}\n{}", driver.output()));
        client.goto(&format!("http://{address}/")).await.unwrap();
        Self { client, _driver: driver, _profile: profile }
    }

    async fn ask(&self, script: &str) -> Value {
        self.client.execute(&format!("return {script}"), vec![]).await.unwrap()
    }

    async fn until(&self, what: &str, script: &str) {
        wait_until(what, PATIENCE, async || self.ask(script).await == json!(true)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn title_icon_and_heading_agree_and_focus_stays() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    rows::execute(&database, "UPDATE services SET paused_at = now()").await;
    let id = rows::add_service(&database, "Shop", "https://shop.example/", "up").await;
    rows::execute(&database, "UPDATE services SET interval_seconds = 3600 WHERE url IS NOT NULL").await;
    let browser = Browser::open(&web.address).await;
    browser.until("all is well", "document.title.startsWith('Everything is up')").await;
    let link = format!("#service-{id} a");
    browser.client.find(Locator::Css(&link)).await.unwrap();
    browser.client.execute(&format!("document.querySelector('{link}').focus()"), vec![]).await.unwrap();
    rows::add_service(&database, "Another", "https://other.example/", "up").await;
    rows::execute(&database, &format!("UPDATE service_states SET state = 'down' WHERE service_id = {id}"))
        .await;
    browser
        .until("the heading changes", "document.querySelector('h1').textContent === 'Some services are down'")
        .await;
    browser.until("the title agrees", "document.title.startsWith('Some services are down')").await;
    browser
        .until("the icon agrees", "document.querySelector('link[rel=icon]').href.includes('icon-down')")
        .await;
    browser
        .until(
            "the pill agrees",
            &format!("document.querySelector('#service-{id} .pill').textContent === 'Down'"),
        )
        .await;
    let focused = format!("document.activeElement === document.querySelector('{link}')");
    assert_eq!(browser.ask(&focused).await, json!(true), "focus stays on the same service");
    browser.client.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_seen() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let browser = Browser::open(&web.address).await;
    browser.until("nothing is wrong", "document.getElementById('stale').hidden").await;
    // It neither answers nor refuses.
    web.program.signal(Signal::SIGSTOP);
    browser.until("the page says how old it is", "!document.getElementById('stale').hidden").await;
    let said = browser.ask("document.getElementById('stale').textContent").await;
    assert!(said.as_str().unwrap().contains("old"), "{said}");
    browser.until("the tab says so", "document.title.includes(' old)')").await;
    web.program.signal(Signal::SIGCONT);
    browser.until("it is well again", "document.getElementById('stale').hidden").await;
    browser.until("in the tab as well", "!document.title.includes(' old)')").await;
    browser.client.close().await.unwrap();
}
