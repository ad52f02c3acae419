//! One request and its redirects.

use egress::{Egress, UrlFault};
use reqwest::{
    Client, Method, Response, StatusCode, Url,
    cookie::{CookieStore as _, Jar},
    header::{COOKIE, HeaderValue, LOCATION, SET_COOKIE},
};

/// How many redirects are followed.
const REDIRECTS: usize = 10;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// A redirect leads nowhere.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// The client.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
}

/// Why a redirect is not followed.
#[derive(Debug, thiserror::Error)]
pub enum RedirectError {
    /// It was asked before, and nothing has changed since.
    #[error("the redirects form a loop: {0} was requested before")]
    Loop(Url),
    /// Too many.
    #[error("more than {REDIRECTS} redirects, the last one to {0}")]
    TooMany(Url),
    /// Another protocol.
    #[error("a redirect leads to {0}, which is not an http or https address")]
    Scheme(Url),
    /// An address that is not open.
    #[error("a redirect leads into the private network")]
    Private(#[source] UrlFault),
}

/// A place that was asked, and the cookies that went with it.
type Asked = (Url, Option<HeaderValue>);

/// Sends a request without a body and follows a few redirects, each to a place that `egress` opens. Cookies that are
/// set on the way go along, and are forgotten at the end. `client` must not follow redirects itself.
///
/// # Errors
/// When a redirect leads nowhere or there is no answer.
pub async fn follow(
    client: &Client,
    egress: &Egress,
    method: Method,
    url: Url,
) -> Result<Response, FollowError> {
    let cookies = Jar::default();
    let (mut method, mut url) = (method, url);
    let mut asked: Vec<Asked> = Vec::new();
    loop {
        let cookie = cookies.cookies(&url);
        let mut request = client.request(method.clone(), url.clone());
        if let Some(cookie) = &cookie {
            request = request.header(COOKIE, cookie);
        }
        let answer = request.send().await?;
        let Some(next) = location(&answer, &url) else { return Ok(answer) };
        cookies.set_cookies(&mut answer.headers().get_all(SET_COOKIE).iter(), &url);
        asked.push((url, cookie));
        check(&next, cookies.cookies(&next).as_ref(), &asked, egress)?;
        method = method_after(answer.status(), method);
        url = next;
    }
}

/// Where an answer sends anyone who asked.
fn location(answer: &Response, from: &Url) -> Option<Url> {
    let status = answer.status();
    let redirects = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    let place = answer.headers().get(LOCATION).filter(|_| redirects.contains(&status))?;
    from.join(std::str::from_utf8(place.as_bytes()).ok()?).ok()
}

/// As browsers do it: a form that was sent is not sent again, but for 307 and 308.
fn method_after(status: StatusCode, method: Method) -> Method {
    match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if method == Method::POST => Method::GET,
        StatusCode::SEE_OTHER if method != Method::HEAD => Method::GET,
        _ => method,
    }
}

fn check(
    next: &Url,
    cookie: Option<&HeaderValue>,
    asked: &[Asked],
    egress: &Egress,
) -> Result<(), RedirectError> {
    if !matches!(next.scheme(), "http" | "https") {
        return Err(RedirectError::Scheme(next.clone()));
    }
    if asked.iter().any(|(url, with)| url == next && with.as_ref() == cookie) {
        return Err(RedirectError::Loop(next.clone()));
    }
    if asked.len() > REDIRECTS {
        return Err(RedirectError::TooMany(next.clone()));
    }
    egress.check_host(next).map_err(RedirectError::Private)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn each_hop_is_checked() {
        let asked = [(url("http://a.example/"), None), (url("http://a.example/2"), None)];
        let egress = Egress::default();
        let check = |next: &str| check(&url(next), None, &asked, &egress).map_err(|error| error.to_string());
        assert_eq!(check("https://b.example/"), Ok(()));
        assert!(check("http://a.example/").unwrap_err().contains("loop"));
        assert!(check("ftp://a.example/").unwrap_err().contains("not an http"));
        assert!(check("http://169.254.169.254/").unwrap_err().contains("private network"));
        assert!(check("http://[::ffff:7f00:1]/").unwrap_err().contains("private network"));
        let many: Vec<Asked> =
            (0..=REDIRECTS).map(|n| (url(&format!("http://a.example/{n}")), None)).collect();
        let next = url("http://a.example/x");
        assert!(super::check(&next, None, &many, &egress).is_err());
        assert!(super::check(&next, None, &many[1..], &egress).is_ok());
        let private: Egress = "true".parse().unwrap();
        assert!(super::check(&url("http://10.0.0.1/"), None, &asked, &private).is_ok());
        assert!(super::check(&url("http://169.254.169.254/"), None, &asked, &private).is_err());
        // The same place with a cookie that was not there before is no circle.
        let cookie = HeaderValue::from_static("seen=1");
        assert!(super::check(&asked[0].0, Some(&cookie), &asked, &egress).is_ok());
    }

    #[test]
    fn the_method_after_a_redirect_is_a_browsers() {
        let after = |status: u16, method: Method| method_after(StatusCode::from_u16(status).unwrap(), method);
        assert_eq!(after(302, Method::POST), Method::GET);
        assert_eq!(after(307, Method::POST), Method::POST);
        assert_eq!(after(303, Method::POST), Method::GET);
        assert_eq!(after(303, Method::HEAD), Method::HEAD);
    }
}
