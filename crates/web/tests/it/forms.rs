//! Services through the pages' forms.

use testing::TestDatabase;

use crate::{
    fixture::{Web, value_of},
    rows,
};

const GOOD: [(&str, &str); 9] = [
    ("name", "Shop"),
    ("url", "https://shop.example/"),
    ("method", "GET"),
    ("interval_seconds", "60"),
    ("timeout_ms", "1000"),
    ("expected_status_min", "200"),
    ("expected_status_max", "299"),
    ("expected_text", ""),
    ("failures_before_incident", "2"),
];

fn with<'a>(field: &'a str, typed: &'a str) -> Vec<(&'a str, &'a str)> {
    GOOD.into_iter().map(|one| if one.0 == field { (field, typed) } else { one }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_added_edited_paused_and_deleted() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let session = web.sign_in().await;
    let added = web.post_as(&session, "/services", &GOOD).await;
    assert_eq!(added.status, 303, "{}", added.body);
    let place = added.place().to_owned();
    assert_eq!(rows::count(&database, "sides.fang_tasks WHERE kind = 'ping_service'").await, 1);

    let form = web.get_as(&session, &format!("{place}/edit")).await;
    let seen = value_of(&form.body, "seen");
    let fields = [&GOOD[1..], &[("name", "Store"), ("seen", seen.as_str())]].concat();
    assert_eq!(web.post_as(&session, &place, &fields).await.place(), place);
    assert!(web.get_as(&session, &place).await.body.contains("<bdi>Store</bdi>"));
    let late = web.post_as(&session, &place, &fields).await;
    assert_eq!(late.status, 409, "a form made before somebody else's change");

    assert_eq!(web.post_as(&session, &format!("{place}/pause"), &[]).await.status, 303);
    assert!(web.get(&place).await.body.contains(">Paused<"));
    assert_eq!(web.post_as(&session, &format!("{place}/resume"), &[]).await.status, 303);
    assert_eq!(web.post_as(&session, &format!("{place}/ping"), &[]).await.status, 303);
    let deleted = web.post_as(&session, &format!("{place}/delete"), &[]).await;
    assert_eq!((deleted.status, deleted.place()), (303, "/"));
    assert_eq!(web.get(&place).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_field_says_so_and_what_was_typed_stays() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let session = web.sign_in().await;
    let cases = [
        ("name", "", "Give a name."),
        ("url", "shop", "This is not an address"),
        ("url", "http://10.0.0.1/", "private address"),
        ("interval_seconds", "soon", "Give a whole number."),
        ("interval_seconds", "1", "Give a number from 5 to 86400."),
        ("method", "BREW", "Choose GET, HEAD or POST."),
    ];
    for (field, typed, message) in cases {
        let answer = web.post_as(&session, "/services", &with(field, typed)).await;
        assert_eq!(answer.status, 422, "{field}={typed}");
        assert!(answer.body.contains(message), "{field}={typed}: {}", answer.body);
        assert!(answer.body.contains("1000"), "the other fields are empty again");
        if field != "method" {
            assert!(answer.body.contains(&format!("value=\"{typed}\"")), "{field}={typed} is gone");
        }
    }
    let long = "x".repeat(101);
    assert!(web.post_as(&session, "/services", &with("name", &long)).await.body.contains("101 characters"));
    assert_eq!(rows::count(&database, "services WHERE url IS NOT NULL").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_form_changes_nothing() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let session = web.sign_in().await;
    let id = rows::add_service(&database, "Shop", "https://shop.example/", "up").await;
    for (path, fields) in [
        ("/services".to_owned(), GOOD.to_vec()),
        (format!("/services/{id}"), GOOD.to_vec()),
        (format!("/services/{id}/delete"), vec![]),
        (format!("/services/{id}/pause"), vec![]),
        ("/webhooks".to_owned(), vec![("url", "https://evil.example/")]),
        ("/sign-out".to_owned(), vec![]),
    ] {
        for token in [None, Some(("form_token", "")), Some(("form_token", "guessed"))] {
            let fields: Vec<_> = fields.iter().copied().chain(token).collect();
            let answer = web.forge_as(&session, &path, &fields).await;
            assert!(matches!(answer.status, 400 | 403), "{path}: {}", answer.status);
        }
    }
    assert_eq!(rows::count(&database, "services WHERE paused_at IS NULL").await, 4);
    assert_eq!(rows::count(&database, "webhooks").await, 0);
}
