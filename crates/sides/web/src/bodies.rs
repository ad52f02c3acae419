//! Bodies in both directions: nobody keeps us waiting with half a request, or makes us hold an answer in memory.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error, HttpMessage as _,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::ConnectionType,
    middleware::Next,
    rt,
    web::Bytes,
};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::{Duration, Instant, timeout};

use crate::visits::{self, Visits};

/// How often it is looked whether there is still patience for a request's body.
const STEP: Duration = Duration::from_millis(250);
/// How much of an answer is handed to a connection at once, in bytes. The rest is shared or waits here.
pub(crate) const SLICE: usize = 16 * 1024;

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

/// Middleware that ends a request whose body does not come, or comes drop by drop.
pub(crate) async fn in_time<B: MessageBody>(
    visits: Visits,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    match request.take_payload() {
        Payload::None => {}
        payload => {
            let is_read = Rc::new(Cell::new(false));
            let chunks: Chunks = Box::pin(timed(payload, visits, Rc::clone(&is_read)));
            request.set_payload(Payload::from(chunks));
            let hanging_up = visits::hanging_up(&request);
            let mut response = next.call(request).await?;
            if !is_read.get() {
                // What is left of the body would be waited for, however long its sender takes.
                response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
                hanging_up.map(rt::spawn);
            }
            return Ok(response);
        }
    }
    next.call(request).await
}

fn timed(
    payload: Payload,
    visits: Visits,
    is_read: Rc<Cell<bool>>,
) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    let begun = Instant::now();
    stream::unfold((Some(payload), visits, is_read), move |(payload, visits, is_read)| async move {
        let mut payload = payload?;
        let chunk = loop {
            let chunk = timeout(STEP, payload.next()).await;
            if begun.elapsed() > visits.patience() {
                break Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into())));
            }
            if let Ok(chunk) = chunk {
                break chunk;
            }
        };
        let Some(chunk) = chunk else {
            is_read.set(true);
            return None;
        };
        let rest = chunk.is_ok().then_some(payload);
        Some((chunk, (rest, visits, is_read)))
    })
}

/// Middleware that hands an answer to its connection in slices, as fast as its reader takes them.
pub(crate) async fn sliced(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    Ok(response.map_body(|_, body| match body.try_into_bytes() {
        Ok(bytes) if bytes.len() > SLICE => BoxBody::new(Slices(bytes)),
        Ok(bytes) => BoxBody::new(bytes),
        Err(body) => body,
    }))
}

/// Bytes that are shared, not copied, until a connection has room for them.
struct Slices(Bytes);

impl MessageBody for Slices {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let length = self.0.len().min(SLICE);
        Poll::Ready((length > 0).then(|| Ok(self.0.split_to(length))))
    }
}
