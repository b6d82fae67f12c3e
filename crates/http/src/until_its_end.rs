//! What lasts as long as an answer does, which may be a stream: longer than the handler that gave it.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body::{Frame, SizeHint};

/// An answer that keeps something until it is over, or given up.
pub fn until_its_end(response: Response, kept: impl Send + Unpin + 'static) -> Response {
    response.map(|body| Body::new(Answer { body, _kept: kept }))
}

struct Answer<K> {
    body: Body,
    _kept: K,
}

impl<K: Unpin> HttpBody for Answer<K> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
