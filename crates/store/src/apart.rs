//! Work in tasks of its own, so that a panic in it ends nothing else. What a school's own server sends, and what is in its rows,
//! makes libraries panic; whoever meets either on behalf of others does so here.

use std::future::pending;
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinSet};
use tracing::Instrument;

/// The first and the longest pause before work is begun anew that has broken off; it doubles in between. Work that has gone on
/// for the longest does not pay for what was before.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Work has panicked, or its runtime has ended.
#[derive(Debug, thiserror::Error)]
#[error("it broke off: {0}")]
pub struct BrokeOff(JoinError);

/// Does work in a task of its own, which is given up with this.
pub async fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, BrokeOff> {
    let mut task = JoinSet::new();
    task.spawn(work.in_current_span());
    match task.join_next().await {
        Some(done) => done.map_err(BrokeOff),
        // There is one.
        None => pending().await,
    }
}

/// Does work in a task of its own, which is given up with this, and begins it anew where it breaks off: until it ends by itself.
pub async fn unbroken<T, W>(what: &'static str, mut begin: impl FnMut() -> W) -> T
where
    T: Send + 'static,
    W: Future<Output = T> + Send + 'static,
{
    let mut pause = PAUSE.0;
    loop {
        let since = Instant::now();
        match apart(begin()).await {
            Ok(done) => return done,
            Err(error) => tracing::error!(what, %error, again_in = ?pause, "work that never ends has ended"),
        }
        tokio::time::sleep(pause).await;
        pause = if since.elapsed() >= PAUSE.1 * 2 { PAUSE.0 } else { PAUSE.1.min(pause * 2) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_here() {
        assert_eq!(apart(async { 7 }).await.unwrap(), 7);
        let broken = apart(async { panic!("on purpose") }).await;
        assert!(matches!(broken, Err(error) if error.to_string().contains("on purpose")));
    }

    #[tokio::test]
    async fn work_is_given_up_with_whoever_waits_for_it() {
        let (held, gone) = oneshot::channel::<()>();
        let work = tokio::spawn(apart(async move {
            let _held = held;
            pending::<()>().await;
        }));
        tokio::task::yield_now().await;
        work.abort();
        assert!(gone.await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_breaks_off_is_begun_anew_until_it_ends() {
        let begun = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&begun);
        let done = unbroken("a test", move || {
            let nth = count.fetch_add(1, Ordering::SeqCst);
            async move { if nth < 9 { panic!("on purpose") } else { nth } }
        });
        assert_eq!(done.await, 9);
        assert_eq!(begun.load(Ordering::SeqCst), 10);
    }
}
