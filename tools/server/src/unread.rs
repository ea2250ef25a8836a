//! Bodies that are still on their way when their request is answered: no token, one request too many, no such path.
//!
//! The next request of that client comes on the same connection behind such a body. So the rest is read and dropped, as far
//! as a body may be long; otherwise the answer says that the connection ends. hyper by itself ends it, and says so only if it
//! notices before it writes the answer: the client's next request breaks. In Lambda nothing of this is needed: API Gateway
//! has the connections, and hands on a request when it has all of it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Error,
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use futures::{Stream, StreamExt};
use http_api::{body::TooSlow, fields::BODY_BYTES_MAX};
use tokio::{
    sync::oneshot,
    time::{Sleep, sleep, timeout},
};

use crate::finish;

/// How long a body may take whose handler waits for it: less than a request has, so that the client is told what was wrong.
const SENT_WITHIN: Duration = Duration::from_secs(5);
/// How long a client that has its answer may go on sending; then its connection ends.
const READ_TIME_MAX: Duration = Duration::from_secs(5);
/// How long an answer waits for the end of a body whose length is not known, to say whether the connection goes on.
const ANSWER_WAITS_MAX: Duration = Duration::from_secs(1);

/// Answers, and sees to what is unread of the body by then.
pub(crate) async fn answer(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return finish::answer(request, next).await;
    }
    // Such a client sends its body when it is told to; told something else, it may send it or not.
    let waits_to_send = request.headers().contains_key(header::EXPECT);
    let (owner, mut returned) = oneshot::channel();
    let request = request.map(|body| Body::from_stream(Lent::to(owner, body)));
    let mut response = finish::answer(request, next).await;
    if let Ok(rest) = returned.try_recv()
        && !rest.leaves_connection_good(waits_to_send).await
    {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What is unread of a body.
struct Rest {
    body: BodyDataStream,
    read_bytes: usize,
    /// Whether anybody wanted any of it, which tells a client that waits to send it.
    is_asked: bool,
    is_broken: bool,
}

impl Rest {
    fn of(body: Body) -> Self {
        Self { body: body.into_data_stream(), read_bytes: 0, is_asked: false, is_broken: false }
    }

    /// Reads and drops it, perhaps after this has returned. Answers whether the connection is good for another request then.
    async fn leaves_connection_good(mut self, waits_to_send: bool) -> bool {
        if self.is_broken || (waits_to_send && !self.is_asked) {
            return false;
        }
        let bytes_max = BODY_BYTES_MAX.saturating_sub(self.read_bytes);
        let is_dropped = match HttpBody::size_hint(&self.body).exact() {
            // It comes while the client reads the answer; should it not, the client has nothing more to ask.
            Some(bytes) => usize::try_from(bytes).is_ok_and(|bytes| bytes <= bytes_max),
            None => match timeout(ANSWER_WAITS_MAX, self.drop_up_to(bytes_max)).await {
                Ok(true) => return true,
                Ok(false) | Err(_) => false,
            },
        };
        // Even of one that is too long: to end a connection on which something is unread takes the answer away, too.
        tokio::spawn(timeout(READ_TIME_MAX, async move { self.drop_up_to(usize::MAX).await }));
        is_dropped
    }

    /// Whether it ended within so many bytes.
    async fn drop_up_to(&mut self, bytes_max: usize) -> bool {
        let mut bytes_left = bytes_max;
        loop {
            match self.body.next().await {
                None => return true,
                Some(Ok(bytes)) if bytes.len() <= bytes_left => bytes_left -= bytes.len(),
                Some(_) => return false,
            }
        }
    }
}

/// A body in the hands of a handler. What it leaves goes back to its owner.
struct Lent {
    /// `None` once all of it was read.
    rest: Option<Rest>,
    owner: Option<oneshot::Sender<Rest>>,
    /// Runs from when anybody wants any of it.
    too_late: Option<Pin<Box<Sleep>>>,
}

impl Lent {
    fn to(owner: oneshot::Sender<Rest>, body: Body) -> Self {
        Self { rest: Some(Rest::of(body)), owner: Some(owner), too_late: None }
    }
}

impl Stream for Lent {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let lent = self.get_mut();
        let Some(rest) = &mut lent.rest else { return Poll::Ready(None) };
        rest.is_asked = true;
        let read = match rest.body.poll_next_unpin(context) {
            Poll::Ready(read) => read,
            Poll::Pending => {
                let too_late = lent.too_late.get_or_insert_with(|| Box::pin(sleep(SENT_WITHIN)));
                ready!(too_late.as_mut().poll(context));
                Some(Err(Error::new(TooSlow)))
            }
        };
        match &read {
            Some(Ok(bytes)) => rest.read_bytes += bytes.len(),
            Some(Err(_)) => rest.is_broken = true,
            None => lent.rest = None,
        }
        Poll::Ready(read)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(rest), Some(owner)) = (self.rest.take(), self.owner.take())
            && !rest.body.is_end_stream()
        {
            // Whoever lent it has ended, if it is not there any more, and the connection with it.
            let _ = owner.send(rest);
        }
    }
}
