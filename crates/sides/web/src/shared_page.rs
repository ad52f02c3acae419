//! One rendering of a page, shared by all who request it at the same time.

use std::{
    hash::{DefaultHasher, Hasher as _},
    io::{Cursor, Read as _, Write as _},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    http::header::{self, AcceptEncoding, ContentEncoding, Encoding, Header as _},
    web::Bytes,
};
use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use tokio::sync::Mutex;

use crate::{Fault, bodies::SLICE};

/// For how long nobody tries again after a failure: a crowd that waits must not fail one after the other.
const FAILED_FOR: Duration = Duration::from_secs(1);
/// How old a page may be where no newer one can be had. It says of when it is.
const STALE_FOR: Duration = Duration::from_secs(10);
/// Brotli's effort, of 11: more is slower without being much smaller.
const EFFORT: u32 = 4;

/// A page that is rendered once for all viewers, and again when it is older than it may be. Anyone who comes while it
/// is being rendered waits for that one.
#[derive(Debug)]
pub struct SharedPage {
    fresh_for: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    page: Option<(Instant, Arc<Prepared>)>,
    failed_at: Option<Instant>,
}

/// A page as it was rendered.
#[derive(Debug)]
pub struct Rendered {
    /// All of it.
    pub html: String,
    /// What makes it differ from an earlier one: a change here is what viewers are told of.
    pub content: String,
}

/// A page ready to be sent. It is kept compressed: whoever reads slowly holds on to it, and a crowd of them to as many
/// pages as are made meanwhile.
#[derive(Debug)]
pub struct Prepared {
    etag: String,
    /// The length of the page as it was rendered, in bytes.
    length: u64,
    gzip: Bytes,
    brotli: Bytes,
}

impl SharedPage {
    /// A page that is rendered again when it is older than `fresh_for`.
    #[must_use]
    pub fn new(fresh_for: Duration) -> Self {
        Self { fresh_for, state: Mutex::default() }
    }

    /// The page, rendered now if there is none that is fresh.
    ///
    /// # Errors
    /// What `render` says, and [`Fault::Busy`] for those who come right after.
    pub async fn get<F>(&self, render: impl FnOnce() -> F) -> Result<Arc<Prepared>, Fault>
    where
        F: Future<Output = Result<Rendered, Fault>>,
    {
        let mut state = self.state.lock().await;
        if let Some((made, page)) = &state.page
            && made.elapsed() < self.fresh_for
        {
            return Ok(Arc::clone(page));
        }
        let last = state.page.as_ref().filter(|(made, _)| made.elapsed() < STALE_FOR);
        let last = last.map(|(_, page)| Arc::clone(page));
        if state.failed_at.is_some_and(|at| at.elapsed() < FAILED_FOR) {
            return last.ok_or(Fault::Busy);
        }
        match render().await {
            Ok(rendered) => {
                let page = Arc::new(Prepared::of(&rendered));
                *state = State { page: Some((Instant::now(), Arc::clone(&page))), failed_at: None };
                Ok(page)
            }
            Err(fault) => {
                state.failed_at = Some(Instant::now());
                last.ok_or(fault)
            }
        }
    }
}

impl Prepared {
    fn of(rendered: &Rendered) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(rendered.content.as_bytes());
        Self {
            etag: format!("W/\"{:x}\"", hasher.finish()),
            gzip: gzip(rendered.html.as_bytes()).into(),
            brotli: brotli(rendered.html.as_bytes()).into(),
            length: rendered.html.len() as u64,
        }
    }

    /// The answer for this request: compressed as it may be, or only that nothing has changed.
    #[must_use]
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let known = request.headers().get_all(header::IF_NONE_MATCH);
        let is_known = known.filter_map(|value| value.to_str().ok()).any(|value| value.contains(&self.etag));
        let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        answer.insert_header((header::ETAG, self.etag.clone()));
        answer.insert_header((header::VARY, "Accept-Encoding, Cookie"));
        if is_known {
            return answer.finish();
        }
        answer.content_type("text/html; charset=utf-8");
        match encoding(request) {
            ContentEncoding::Brotli => {
                answer.insert_header(ContentEncoding::Brotli).body(self.brotli.clone())
            }
            ContentEncoding::Gzip => answer.insert_header(ContentEncoding::Gzip).body(self.gzip.clone()),
            _ => answer.insert_header(ContentEncoding::Identity).body(BoxBody::new(Unpacked::new(self))),
        }
    }
}

/// A page for those who take no compressed one, unpacked as fast as it is read.
struct Unpacked {
    length: u64,
    page: GzDecoder<Cursor<Bytes>>,
}

impl Unpacked {
    fn new(page: &Prepared) -> Self {
        Self { length: page.length, page: GzDecoder::new(Cursor::new(page.gzip.clone())) }
    }
}

impl MessageBody for Unpacked {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let mut slice = vec![0; SLICE];
        let read = self.page.read(&mut slice).map(|length| {
            slice.truncate(length);
            Bytes::from(slice)
        });
        Poll::Ready(match read {
            Ok(slice) if slice.is_empty() => None,
            read => Some(read),
        })
    }
}

fn encoding(request: &HttpRequest) -> ContentEncoding {
    if !request.headers().contains_key(header::ACCEPT_ENCODING) {
        return ContentEncoding::Identity;
    }
    let known = [Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
    let accepted = AcceptEncoding::parse(request).ok();
    match accepted.and_then(|accepted| accepted.negotiate(known.iter())) {
        Some(Encoding::Known(encoding)) => encoding,
        _ => ContentEncoding::Identity,
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    // Writing to memory cannot fail.
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut compressed, 4096, EFFORT, 22);
    let written = encoder.write_all(bytes).and_then(|()| encoder.flush());
    drop(encoder);
    if written.is_err() {
        compressed.clear();
    }
    compressed
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use actix_web::test::TestRequest;

    use super::*;

    fn rendered(content: &str) -> Rendered {
        Rendered { html: format!("<p>{content}</p>").repeat(100), content: content.to_owned() }
    }

    #[tokio::test]
    async fn a_crowd_costs_one_rendering() {
        let (page, renderings) = (SharedPage::new(Duration::from_secs(60)), AtomicUsize::new(0));
        let ask = || {
            page.get(async || {
                renderings.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok(rendered("x"))
            })
        };
        let answers = futures_util::future::join_all((0..50).map(|_| ask())).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(renderings.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_crowd_costs_one_failure() {
        let (page, renderings) = (SharedPage::new(Duration::from_secs(60)), AtomicUsize::new(0));
        let ask = || {
            page.get(async || {
                renderings.fetch_add(1, Ordering::SeqCst);
                Err(Fault::Missing("page"))
            })
        };
        let answers = futures_util::future::join_all((0..50).map(|_| ask())).await;
        assert!(answers.iter().all(Result::is_err));
        assert_eq!(renderings.load(Ordering::SeqCst), 1);
    }

    #[actix_web::test]
    async fn who_takes_no_compressed_page_gets_it_as_it_was_rendered() {
        let rendered = rendered(&"long ".repeat(1000));
        let answer = Prepared::of(&rendered).answer(&TestRequest::default().to_http_request());
        assert_eq!(answer.body().size(), BodySize::Sized(rendered.html.len() as u64));
        let body = actix_web::body::to_bytes(answer.into_body()).await.unwrap();
        assert_eq!(body, rendered.html);
    }

    #[test]
    fn the_answer_is_as_it_may_be() {
        let page = Prepared::of(&rendered("x"));
        let encoding = |accepted: &str| {
            let request = TestRequest::default().insert_header((header::ACCEPT_ENCODING, accepted));
            let answer = page.answer(&request.to_http_request());
            answer.headers().get(header::CONTENT_ENCODING).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(encoding("gzip, deflate, br"), "br");
        assert_eq!(encoding("gzip;q=1.0, br;q=0"), "gzip");
        assert_eq!(encoding("identity"), "identity");
        let request = TestRequest::default().insert_header((header::IF_NONE_MATCH, page.etag.clone()));
        assert_eq!(page.answer(&request.to_http_request()).status(), 304);
        assert_ne!(page.etag, Prepared::of(&rendered("y")).etag);
    }
}
