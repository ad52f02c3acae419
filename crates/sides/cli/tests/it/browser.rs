//! A real browser, driven over WebDriver.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use testing::{Program, wait_until};

use crate::{programs, sandbox::PATIENCE};

/// How a browser looks at pages.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Look {
    /// 1280 pixels wide, light.
    Desktop,
    /// 390 pixels wide, dark.
    Phone,
}

impl Look {
    fn name(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Phone => "phone",
        }
    }
}

/// Chromium with a profile of its own. It ends with its driver, and that with this value.
pub(crate) struct Browser {
    pub(crate) client: Client,
    look: Look,
    _driver: Program,
    _profile: TempDir,
}

/// Nothing that talks to anybody but us.
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
];

impl Browser {
    pub(crate) async fn open(look: Look) -> Self {
        const BEFORE: &str = "started successfully on port ";
        let profile = tempfile::tempdir().unwrap();
        let browser = testing::browser();
        let driver = Program::start(Command::new(&browser.driver).arg("--port=0"));
        driver.says(BEFORE).await;
        let output = driver.output();
        let port = output.split(BEFORE).nth(1).unwrap().split('.').next().unwrap();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(look, &profile, &browser.program))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap_or_else(|error| panic!("Chromium does not start: {error}\n{}", driver.output()));
        Self { client, look, _driver: driver, _profile: profile }
    }

    pub(crate) async fn open_page(&self, address: &str) {
        self.client.goto(address).await.unwrap();
    }

    pub(crate) async fn click(&self, css: &str) {
        let element = self.client.wait().for_element(Locator::Css(css)).await;
        element.unwrap_or_else(|error| panic!("{css}: {error}")).click().await.unwrap();
    }

    /// Types into a field, over what stands there.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.client.wait().for_element(Locator::Css(css)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Waits until the page says this by itself, without being loaded again.
    pub(crate) async fn shows(&self, css: &str, text: &str) {
        let script =
            "return Array.from(document.querySelectorAll(arguments[0]), e => e.innerText).join('\\n')";
        wait_until(&format!("{css} shows {text:?}"), PATIENCE, async || {
            let shown = self.client.execute(script, vec![json!(css)]).await.unwrap();
            shown.as_str().unwrap().contains(text)
        })
        .await;
    }

    pub(crate) async fn ask(&self, script: &str) -> Value {
        self.client.execute(script, vec![]).await.unwrap()
    }

    /// Checks that the page fits and is styled, and keeps a picture of it under `target/screenshots`.
    pub(crate) async fn look_at(&self, name: &str) {
        let width = self.ask("return document.documentElement.clientWidth").await.as_i64().unwrap();
        let widest = self.ask("return document.documentElement.scrollWidth").await.as_i64().unwrap();
        assert!(widest <= width, "{name} is {widest} pixels wide on {width}");
        let dark = self.ask("return matchMedia('(prefers-color-scheme: dark)').matches").await;
        let back = self.ask("return getComputedStyle(document.body).backgroundColor").await;
        let (expected_dark, expected_width) = match self.look {
            Look::Desktop => (false, 1000..=1280),
            Look::Phone => (true, 390..=390),
        };
        assert_eq!(dark, expected_dark, "{:?}", self.look);
        assert!(expected_width.contains(&width), "{:?} is {width} wide", self.look);
        let expected = if expected_dark { "rgb(20, 24, 23)" } else { "rgb(246, 247, 245)" };
        assert_eq!(back, expected, "{name} has no style");
        let picture = self.client.screenshot().await.unwrap();
        let folder = folder();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}-{}.png", self.look.name())), picture).unwrap();
    }

    pub(crate) async fn close(self) {
        self.client.close().await.unwrap();
    }
}

fn folder() -> PathBuf {
    programs::workspace().join("target/screenshots")
}

fn capabilities(look: Look, profile: &TempDir, program: &Path) -> Map<String, Value> {
    let mut arguments: Vec<String> = ARGUMENTS.iter().map(ToString::to_string).collect();
    arguments.push(format!("--user-data-dir={}", profile.path().display()));
    let mut options = json!({});
    if matches!(look, Look::Phone) {
        arguments.push("--force-dark-mode".to_owned());
        options["mobileEmulation"] =
            json!({ "deviceMetrics": { "width": 390, "height": 844, "pixelRatio": 2.0, "touch": true } });
    }
    options["args"] = json!(arguments);
    options["binary"] = json!(program);
    Map::from_iter([("goog:chromeOptions".to_owned(), options)])
}
