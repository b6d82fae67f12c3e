//! Whether anybody uses something: from a request to the end of its answer, which may be a stream.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body::{Frame, SizeHint};

/// Who uses it, and when somebody did last.
#[derive(Debug)]
pub struct Uses(Mutex<(usize, Instant)>);

/// Somebody uses it, for as long as this lives.
#[derive(Debug)]
pub struct InUse(Arc<Uses>);

impl Default for Uses {
    fn default() -> Self {
        Self(Mutex::new((0, Instant::now())))
    }
}

impl Uses {
    /// One more uses it.
    pub fn begin(self: &Arc<Self>) -> InUse {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 += 1;
        InUse(Arc::clone(self))
    }

    /// For how long nobody has used it; none where somebody does.
    pub fn idle(&self) -> Option<Duration> {
        let (uses, last) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (uses == 0).then(|| last.elapsed())
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let mut uses = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        *uses = (uses.0 - 1, Instant::now());
    }
}

/// An answer that is a use until its end.
pub fn until_its_end(response: Response, in_use: InUse) -> Response {
    response.map(|body| Body::new(Answer { body, _in_use: in_use }))
}

struct Answer {
    body: Body,
    _in_use: InUse,
}

impl HttpBody for Answer {
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

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn an_answer_is_a_use_until_its_end() {
        let uses = Arc::new(Uses::default());
        let answer = until_its_end(Response::new(Body::from("kia ora")), uses.begin());
        assert_eq!(answer.body().size_hint().exact(), Some(7), "its length is known as before");
        assert!(uses.idle().is_none());
        assert_eq!(to_bytes(answer.into_body(), 100).await.unwrap(), "kia ora");
        assert!(uses.idle().is_some());
    }
}
