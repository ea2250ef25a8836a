//! Changes that have begun, and whose client is gone.
//!
//! hyper drops the future of a request whose connection ends. Between two steps of a confirm that is like a crash: the protocol
//! allows it, but seats would wait for the janitor. So what may change something runs in a task of its own, to its end. In
//! Lambda nobody breaks off a function for its client.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_api::{Code, problem::Problem};

use crate::serve::Place;

/// Answers; what may change something also if nobody waits for the answer.
pub(crate) async fn answer(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let place = request.extensions().get::<Place>().cloned();
    let whole = tokio::spawn(async move {
        let response = next.run(request).await;
        drop(place);
        response
    });
    // It panicked, and the log says so: nobody aborts it.
    whole.await.unwrap_or_else(|_| Problem::new(Code::InternalError).into_response())
}
