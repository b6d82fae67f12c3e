//! Many callers for some seconds: how much they did, and how long each took.

use std::future::Future;
use std::time::{Duration, Instant};

use futures::future::join_all;

use crate::cpu::{Cpu, Each};

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// How many calls a second.
    pub rate: f64,
    /// Half of the calls took at most this.
    pub p50: Duration,
    /// All but one of a hundred took at most this.
    pub p99: Duration,
    /// What each took of the processors.
    pub cpu: Each,
}

/// Calls again and again from many tasks. A caller has a state of its own; its call says whether it goes on.
pub async fn measure<S, F, Fut>(callers: Vec<S>, length: Duration, call: F) -> Measured
where
    S: Send + 'static,
    F: Fn(S) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Option<S>> + Send,
{
    let (begun, cpu) = (Instant::now(), Cpu::now());
    let tasks = callers.into_iter().map(|mut state| {
        let call = call.clone();
        tokio::spawn(async move {
            let mut took = Vec::new();
            while begun.elapsed() < length {
                let started = Instant::now();
                match call(state).await {
                    Some(next) => state = next,
                    None => break,
                }
                took.push(started.elapsed());
            }
            (took, begun.elapsed())
        })
    });
    let mut all = Vec::new();
    let mut end = Duration::ZERO;
    for done in join_all(tasks).await {
        let (took, ended) = done.expect("a caller");
        all.extend(took);
        end = end.max(ended);
    }
    summary(all, end, cpu)
}

/// The figures of calls that took so long within a time, with what the processors had done before it.
pub fn summary(mut took: Vec<Duration>, within: Duration, before: Cpu) -> Measured {
    let cpu = Cpu::each(before, took.len());
    took.sort_unstable();
    let at = |percent: usize| took.get(took.len() * percent / 100).or(took.last()).copied().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a rate is a float")]
    let rate = took.len() as f64 / within.as_secs_f64();
    Measured { rate, p50: at(50), p99: at(99), cpu }
}

/// Milliseconds with three digits.
pub fn millis(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64() * 1_000.0)
}
