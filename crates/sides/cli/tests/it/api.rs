//! Web's JSON API, as a client in another language uses it.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

use crate::http::{http, post};

pub(crate) struct Api {
    /// `http://host:port`
    page: String,
    token: String,
}

impl Api {
    pub(crate) fn new(page: &str, token: &str) -> Self {
        Self { page: page.to_owned(), token: token.trim().to_owned() }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.answer(http().get(self.at(path)), StatusCode::OK).await
    }

    /// Adds something; what was made of it.
    pub(crate) async fn add(&self, path: &str, new: &Value) -> Value {
        self.answer(post(&self.at(path), new), StatusCode::CREATED).await
    }

    /// The same without the token: the status alone.
    pub(crate) async fn add_as_a_stranger(&self, path: &str, new: &Value) -> StatusCode {
        post(&self.at(path), new).send().await.unwrap().status()
    }

    fn at(&self, path: &str) -> String {
        format!("{}/api/{path}", self.page)
    }

    async fn answer(&self, request: RequestBuilder, expected: StatusCode) -> Value {
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert_eq!(status, expected, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}
