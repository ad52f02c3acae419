//! A running web and somebody who asks it.

use std::process::Command;

use database::DatabaseUrl;
use reqwest::{
    Client, Method, RequestBuilder,
    header::{CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, SET_COOKIE},
    redirect::Policy,
};
use serde_json::Value;
use testing::Program;

pub(crate) const TOKEN: &str = "only-for-this-test-0123456789";

/// Web with nothing in its environment but what a test gives it.
pub(crate) fn command(url: &DatabaseUrl) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_web"));
    command.env_clear().env("DATABASE_URL", url.expose());
    command.env("PORT", "0").env("OPS_PORT", "0").env("LOG_FORMAT", "json");
    command
}

/// A running web. Killed when dropped.
pub(crate) struct Web {
    pub(crate) program: Program,
    pub(crate) address: String,
    client: Client,
}

/// What it answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// Somebody signed in: what a browser keeps, and what stands in the forms.
pub(crate) struct Session {
    cookie: String,
    pub(crate) form_token: String,
}

impl Web {
    /// With the admin token, and private addresses refused.
    pub(crate) async fn start(url: &DatabaseUrl) -> Self {
        Self::run(command(url).env("ADMIN_TOKEN", TOKEN)).await
    }

    pub(crate) async fn run(command: &mut Command) -> Self {
        const BEFORE: &str = "\"http.address\":\"";
        let program = Program::start(command);
        program.says(BEFORE).await;
        let output = program.output();
        let address = output.split(BEFORE).nth(1).unwrap().split('"').next().unwrap().to_owned();
        // Only fails when one is installed already.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self { program, address, client }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// Waits until a page says this: one that everybody shares may be two seconds old.
    pub(crate) async fn shows(&self, path: &str, text: &str) -> String {
        let soon = std::time::Duration::from_secs(30);
        let says = async || self.get(path).await.body.contains(text);
        testing::wait_until(&format!("{path} shows {text:?}"), soon, says).await;
        self.get(path).await.body
    }

    /// As a program that knows the token.
    pub(crate) async fn api(&self, method: Method, path: &str) -> Answer {
        Answer::to(self.request(method, path).bearer_auth(TOKEN)).await
    }

    /// The same with a JSON body.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path).bearer_auth(TOKEN);
        Answer::to(request.header(CONTENT_TYPE, "application/json").body(body.to_string())).await
    }

    /// A form as a browser sends it.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let encoded: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        self.request(Method::POST, path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(encoded.join("&"))
    }

    pub(crate) async fn sign_in(&self) -> Session {
        let answer = Answer::to(self.form("/sign-in", &[("token", TOKEN), ("next", "/")])).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let set = answer.headers[SET_COOKIE].to_str().unwrap();
        let cookie = set.split(';').next().unwrap().to_owned();
        let page = Answer::to(self.request(Method::GET, "/services/new").header(COOKIE, &cookie)).await;
        let form_token = value_of(&page.body, "form_token");
        Session { cookie, form_token }
    }

    pub(crate) async fn get_as(&self, session: &Session, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path).header(COOKIE, &session.cookie)).await
    }

    /// A form of somebody signed in, with the token that a page of ours puts into it.
    pub(crate) async fn post_as(&self, session: &Session, path: &str, fields: &[(&str, &str)]) -> Answer {
        let fields = [&[("form_token", session.form_token.as_str())], fields].concat();
        Answer::to(self.form(path, &fields).header(COOKIE, &session.cookie)).await
    }

    /// The same without that token, as another site would make a browser send it.
    pub(crate) async fn forge_as(&self, session: &Session, path: &str, fields: &[(&str, &str)]) -> Answer {
        Answer::to(self.form(path, fields).header(COOKIE, &session.cookie)).await
    }
}

impl Answer {
    pub(crate) async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.text().await.unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// Where it sends the visitor.
    pub(crate) fn place(&self) -> &str {
        self.headers.get(LOCATION).map_or("", |place| place.to_str().unwrap())
    }
}

/// The value of a form's field in a page.
pub(crate) fn value_of(page: &str, name: &str) -> String {
    let field = page.split(&format!("name=\"{name}\" value=\"")).nth(1);
    field.unwrap_or_else(|| panic!("no {name} in {page}")).split('"').next().unwrap().to_owned()
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
