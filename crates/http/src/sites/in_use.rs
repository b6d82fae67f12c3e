//! Whether anybody uses something: from a request to the end of its answer, which may be a stream.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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

#[cfg(test)]
mod tests {
    use axum::body::{Body, HttpBody as _, to_bytes};
    use axum::response::Response;

    use super::*;
    use crate::until_its_end::until_its_end;

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
