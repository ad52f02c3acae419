//! Signing in and out.

use reqwest::{Method, header::SET_COOKIE};
use testing::TestDatabase;

use crate::fixture::{Answer, TOKEN, Web, command};

#[tokio::test(flavor = "multi_thread")]
async fn the_token_opens_and_nothing_else_does() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let closed = web.get("/operations").await;
    assert_eq!((closed.status, closed.place()), (303, "/sign-in?next=/operations"));
    let wrong = Answer::to(web.form("/sign-in", &[("token", "guessed"), ("next", "/operations")])).await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.body.contains("This is not right") && !wrong.headers.contains_key(SET_COOKIE));
    let right = Answer::to(web.form("/sign-in", &[("token", TOKEN), ("next", "/operations")])).await;
    assert_eq!((right.status, right.place()), (303, "/operations"));
    let cookie = right.headers[SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("Secure"));
    assert!(!cookie.contains(TOKEN));
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_the_cookie_stays_there() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let form = web.form("/sign-in", &[("token", TOKEN)]).header("X-Forwarded-Proto", "https");
    let cookie = Answer::to(form).await.headers[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.contains("Secure"), "{cookie}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_to_another_site() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let answer = Answer::to(web.form("/sign-in", &[("token", TOKEN), ("next", "//evil.example/")])).await;
    assert_eq!(answer.place(), "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_the_sign_out_and_with_the_token() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let session = web.sign_in().await;
    assert_eq!(web.get_as(&session, "/operations").await.status, 200);
    let out = web.post_as(&session, "/sign-out", &[]).await;
    assert!(out.headers[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    let other = Web::run(command(database.url()).env("ADMIN_TOKEN", "another-token-0123456789")).await;
    assert_eq!(other.get_as(&session, "/operations").await.status, 303, "another token, another session");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_there_is_nothing_to_sign_in_to() {
    let database = TestDatabase::create().await;
    let web = Web::run(&mut command(database.url())).await;
    for path in ["/sign-in", "/operations", "/services/new"] {
        let answer = Answer::to(web.request(Method::GET, path)).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.body.contains("ADMIN_TOKEN"), "{path}");
    }
}
