//! Threads that give way: the system lets them run when nobody else wants to, so that work that takes long holds up no
//! answer that does not. On a machine that has nothing else to do they are as fast as any.
//!
//! What runs here belongs to the runtime that it comes from: its connections, its timers and the tasks that it starts are
//! driven there, and only the work itself is done here.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument, Span};

/// How nice these threads are, of 0 to 19: they have a tenth of what others have that want to run, and not nothing, as they
/// may hold what others wait for.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// How many may compute at once; beyond that it is a line. Who may have how much there is for those to say who call.
const COMPUTING: usize = 32;

/// One for all services of a process, as they have one processor.
static THREADS: LazyLock<Runtime> = LazyLock::new(|| {
    let mut threads = Builder::new_multi_thread();
    threads.worker_threads(processors()).max_blocking_threads(COMPUTING);
    threads.thread_name("background").on_thread_start(give_way);
    threads.build().expect("the system has threads to give")
});

/// How many processors may be at work here at once: as many as leave one for answers, at least one.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1)
}

/// Lets all others go first that are not this thread or a process that it starts, and leaves one processor to them: the
/// niceness alone counts for nothing where the system shares the processors between groups of processes first, such as the
/// database and this service. Only where a thread has a niceness of its own: elsewhere it would be the whole process's.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS).and_then(|()| leave_one()) {
        tracing::warn!(%error, "what is done in the background does not give way to answers");
    }
}

/// Leaves the first of the processors that this thread may be on to others, if it has another one.
#[cfg(target_os = "linux")]
fn leave_one() -> rustix::io::Result<()> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let mut mine = sched_getaffinity(None)?;
    let first = (0..CpuSet::MAX_CPU).find(|processor| mine.is_set(*processor));
    if let Some(first) = first.filter(|_| mine.count() > 1) {
        mine.unset(first);
    }
    sched_setaffinity(None, &mine)
}

/// Work that is done there, and given up with this.
#[derive(Debug)]
pub struct Background<T>(AbortOnDropHandle<T>);

/// Goes on with work there.
pub fn run<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Background<T> {
    let work = Work { work: Some(Box::pin(work.in_current_span())), of: Handle::current() };
    Background(AbortOnDropHandle::new(THREADS.spawn(work)))
}

/// Work of another runtime, which belongs to it up to its end: what it lets go of, such as a connection to the database, is
/// taken care of there.
struct Work<F> {
    work: Option<Pin<Box<F>>>,
    of: Handle,
}

impl<F: Future> Future for Work<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { work, of } = &mut *self;
        let _in = of.enter();
        let done = work.as_mut().expect("nobody goes on with what is done").as_mut().poll(context);
        if done.is_ready() {
            *work = None;
        }
        done
    }
}

impl<F> Drop for Work<F> {
    fn drop(&mut self) {
        let _in = self.of.enter();
        self.work = None;
    }
}

/// Does work there that waits for nothing. It is done to its end, whoever gives this up; the only error is a panic.
pub fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let span = Span::current();
    THREADS.spawn_blocking(move || span.in_scope(work))
}

impl<T> Future for Background<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let done = ready!(Pin::new(&mut self.0).poll(context));
        // A panic goes on where the work was waited for. Nothing else ends it: these threads last as long as the process, and
        // whoever gives work up waits no more.
        Poll::Ready(done.unwrap_or_else(|error| resume_unwind(error.into_panic())))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_is_done_on_threads_that_give_way_and_by_the_runtime_that_it_comes_from() {
        let here = Handle::current().id();
        let there = run(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let task = tokio::spawn(async { Handle::current().id() }).await.unwrap();
            (Handle::current().id() == here && task == here, std::thread::current().name().map(str::to_owned))
        });
        assert_eq!(there.await, (true, Some("background".to_owned())));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn they_go_last_and_leave_a_processor_to_others_also_with_the_programs_that_they_start() {
        use rustix::process::getpriority_process;
        use rustix::thread::sched_getaffinity;
        let here = (getpriority_process(None).unwrap(), sched_getaffinity(None).unwrap().count());
        let at = || (getpriority_process(None).unwrap(), sched_getaffinity(None).unwrap().count());
        let least = (NICENESS, here.1.saturating_sub(1).max(1));
        assert_eq!([run(async move { at() }).await, compute(at).await.unwrap()], [least; 2]);
        assert_eq!(at(), here, "nobody else does");
        let started = compute(|| std::process::Command::new("nice").output().unwrap().stdout).await.unwrap();
        assert_eq!(String::from_utf8(started).unwrap().trim(), NICENESS.to_string());
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_given_up_and_a_panic_is_passed_on() {
        struct Held(Option<oneshot::Sender<tokio::runtime::Id>>);
        impl Drop for Held {
            fn drop(&mut self) {
                let told = self.0.take().map(|tell| tell.send(Handle::current().id()));
                assert!(told.is_some_and(|told| told.is_ok()));
            }
        }
        for waits in [true, false] {
            let (tell, gone) = oneshot::channel();
            let held = Held(Some(tell));
            let work = run(async move {
                if waits {
                    std::future::pending::<()>().await;
                }
                drop(held);
            });
            if waits {
                drop(work);
            } else {
                work.await;
            }
            assert_eq!(gone.await, Ok(Handle::current().id()), "what it held is let go of where it comes from");
        }
        let panicked = tokio::spawn(run(async { panic!("on purpose") })).await;
        assert!(panicked.is_err_and(|error| error.is_panic()));
        assert!(compute(|| panic!("on purpose")).await.is_err_and(|error| error.is_panic()));
    }
}
