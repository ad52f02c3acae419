//! Signing in and out.

use reqwest::{Method, header::SET_COOKIE};
use testing::TestDatabase;

use crate::{
    fixture::{Answer, TOKEN, Web, command},
    rows,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_token_opens_and_nothing_else_does() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let closed = web.get("/operations").await;
    assert_eq!((closed.status, closed.place()), (303, "/sign-in?next=/operations"));
    let wrong = Answer::to(web.form("/sign-in", &[("token", "guessed"), ("next", "/operations")])).await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.body.contains("That token is not correct") && !wrong.headers.contains_key(SET_COOKIE));
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
    assert_eq!(web.get_as(&session, "/operations").await.status, 303, "the old cookie is worth nothing");
    let form = web.post_as(&session, "/webhooks", &[("url", "https://hooks.example/")]).await;
    assert_eq!((form.status, form.place()), (303, "/sign-in?next=/"));
    assert_eq!(rows::count(&database, "webhooks").await, 0);
    let session = web.sign_in().await;
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

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_by_another() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let (mine, lost) = (web.sign_in().await, web.sign_in().await);
    let third = web.sign_in().await;
    let page = web.get_as(&mine, "/sessions").await.body;
    assert_eq!((page.matches(">End<").count(), page.matches("This one").count()), (2, 1), "{page}");
    assert!(page.contains("127.0.0.1"), "{page}");
    let place = page.split("action=\"/sessions/").nth(1).unwrap().split('"').next().unwrap();
    let forged = web.forge_as(&mine, &format!("/sessions/{place}"), &[("form_token", "x")]).await;
    assert_eq!(forged.status, 403);
    assert_eq!(web.post_as(&mine, &format!("/sessions/{place}"), &[]).await.status, 303);
    let open = async |session| web.get_as(session, "/operations").await.status == 200;
    assert_eq!([open(&lost).await, open(&third).await].iter().filter(|open| **open).count(), 1);
    assert_eq!(web.post_as(&mine, "/sessions/end-others", &[]).await.status, 303);
    assert_eq!([open(&mine).await, open(&lost).await, open(&third).await], [true, false, false]);
    // What the table holds opens nothing.
    assert_eq!(rows::count(&database, "sides.sessions WHERE encode(cookie, 'hex') = ''").await, 0);
    rows::execute(&database, "UPDATE sides.sessions SET ends_at = now()").await;
    assert!(!open(&mine).await, "its time is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_guesses_are_a_few_tries_logged_and_counted() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let session = web.sign_in().await;
    let guess = |n: u32| {
        let guessed = format!("guess-{n}");
        let form = web.form("/sign-in", &[("token", &guessed)]);
        let api = web.request(Method::GET, "/api/services").bearer_auth(&guessed);
        Answer::to(if n.is_multiple_of(2) { form } else { api })
    };
    let answers = futures_util::future::join_all((0..1000).map(guess)).await;
    let with = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert!(with(401) <= 5 && with(401) + with(429) == 1000, "{} {}", with(401), with(429));
    let slowed = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert!(slowed.headers.contains_key("retry-after"));
    web.program.says("a wrong secret for").await;
    assert!(web.program.output().contains("127.0.0.1"));
    let (_, metrics) = web.program.get("/metrics").await;
    assert!(metrics.contains("http_sign_in_attempts_total{outcome=\"slowed\"}"), "{metrics}");
    assert_eq!(web.get_as(&session, "/operations").await.status, 200, "who is signed in goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_what_is_written_down() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let session = web.sign_in().await;
    web.post_as(&session, "/services/2/pause", &[]).await;
    web.api(Method::POST, "/api/services/2/resume").await;
    let by = |action: &str, by: &str| {
        format!(
            "sides.actions WHERE action = '{action}' AND asked_by LIKE '{by} from 127.0.0.1' AND outcome = 'done'"
        )
    };
    for (action, who) in
        [("sign in", "session %"), ("pause a service", "session %"), ("resume a service", "API")]
    {
        assert_eq!(rows::count(&database, &by(action, who)).await, 1, "{action}");
    }
    let page = web.get_as(&session, "/operations").await.body;
    assert!(page.contains("pause a service") && page.contains("API from 127.0.0.1"), "{page}");
}
