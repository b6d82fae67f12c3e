//! The processor's time, fair between those who ask: a multilevel feedback queue of two levels. Everybody begins in the
//! foreground. Whoever has taken more of the processor lately than their share goes on in the background (see
//! [`rollbook_background`]), also in the middle of a request, until they have taken less. Those who read there do so one
//! request at a time, no more than so much of a processor, and the sites in turns: what they ask of the database, too,
//! is bounded by it, whose processes give way to nobody. Nothing is refused as long as that line has an end.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use futures::future::{BoxFuture, FutureExt};
use http_body::{Frame, SizeHint};
use rollbook_domain::SiteId;
use rollbook_turns::{Bounds, Busy, Turns};
use rustix::time::{ClockId, clock_gettime};

use crate::at_once::AtOnce;
use crate::limits::Bearing;
use crate::meter::{Meter, Meters};
use crate::problem::ApiError;

/// What a client, and a site, may have of one processor in the foreground: one second in so many. What a client takes in the
/// background counts, too: whoever goes on comes back no sooner.
const CLIENT_IN_FOREGROUND: u32 = 10;
const SITE_IN_FOREGROUND: u32 = 2;

/// The same in all, for those who read.
const CLIENT: u32 = 4;
const SITE: u32 = 2;

/// How many requests of one client are answered in the foreground at once: what they will take is not known yet.
const REQUESTS: usize = 6;

/// Who reads in the background. Each holds a connection to the database, and may keep a processor of its server busy.
const READING: Bounds = Bounds { at_once: 2, waiting: 2_048, waiting_of_site: 512, patience: Duration::from_secs(20) };

/// What a request is, as far as is known beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It reads, and waits for its turn where it is not answered in the foreground.
    Read,
    /// It changes something, and may still be coming in: whoever sends slowly is to hold up nobody.
    Change,
    /// It takes much, always: it is answered in the background.
    Long,
}

/// Who has taken how much. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Processor {
    parts: Arc<Parts>,
    /// Whether anybody has a share: an operator who limits nobody lets everybody have all of it.
    shared: bool,
}

#[derive(Debug)]
struct Parts {
    clients: Meters<Bearing, OfClient>,
    sites: Meters<SiteId, OfSite>,
    foreground: AtOnce<Bearing>,
    reading: Turns,
}

/// What a client has taken.
#[derive(Debug, Default)]
struct OfClient {
    in_foreground: Meter,
    in_all: Meter,
    /// Whoever reads in the background does so by one request at a time.
    reads: tokio::sync::Mutex<()>,
}

/// What a site's clients have taken.
#[derive(Debug, Default)]
struct OfSite {
    in_foreground: Meter,
    in_all: Meter,
}

/// What a client of a site has taken, and its site.
#[derive(Clone, Debug)]
struct Account {
    client: Arc<OfClient>,
    site: Arc<OfSite>,
}

impl Processor {
    /// Nobody has taken anything yet.
    pub fn new(shared: bool) -> Self {
        let (clients, sites, foreground) = (Meters::default(), Meters::default(), AtOnce::default());
        Self { parts: Arc::new(Parts { clients, sites, foreground, reading: Turns::new(READING) }), shared }
    }

    /// Answers a request of a client of a site where it belongs: whoever waits too long to read is sent away.
    pub async fn answer<T: Send + 'static>(
        &self,
        (who, site): (Bearing, SiteId),
        kind: Kind,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ApiError> {
        if !self.shared && kind != Kind::Long {
            return Ok(work.await);
        }
        let (account, mut work) = (self.account((who, site)), work.boxed());
        let one = if kind == Kind::Long { None } else { self.parts.foreground.count(who, REQUESTS) };
        let is_in_foreground = || one.is_some() && account.has_left_in_foreground();
        let (_one, _turn);
        if is_in_foreground() {
            let done = poll_fn(|context| {
                if !is_in_foreground() {
                    return Poll::Ready(None);
                }
                let (done, time) = step(|| work.as_mut().poll(context));
                account.take(time);
                account.site.in_foreground.take(time * SITE_IN_FOREGROUND);
                done.map(Some)
            });
            if let Some(done) = done.await {
                return Ok(done);
            }
            // It may hold what it waits for: it goes on without waiting for a turn.
        } else if kind == Kind::Read {
            _one = account.client.reads.lock().await;
            account.client.in_all.rest().await;
            account.site.in_all.rest().await;
            _turn = self.parts.reading.turn(site).await.map_err(|Busy| ApiError::Overloaded)?;
        }
        let account = account.clone();
        let done = poll_fn(move |context| {
            let (done, time) = step(|| work.as_mut().poll(context));
            account.take(time);
            done
        });
        Ok(rollbook_background::run(done).await)
    }

    /// A body that is made while it is sent, as fast as its client's and their site's shares allow.
    pub fn paced(&self, whose: (Bearing, SiteId), body: Body) -> Body {
        if self.shared { Body::new(Paced { body, account: self.account(whose), rests: None }) } else { body }
    }

    fn account(&self, (who, site): (Bearing, SiteId)) -> Account {
        Account { client: self.parts.clients.of(who), site: self.parts.sites.of(site) }
    }
}

impl Account {
    fn has_left_in_foreground(&self) -> bool {
        self.client.in_foreground.has_left() && self.site.in_foreground.has_left()
    }

    fn take(&self, time: Duration) {
        self.client.in_foreground.take(time * CLIENT_IN_FOREGROUND);
        self.client.in_all.take(time * CLIENT);
        self.site.in_all.take(time * SITE);
    }
}

/// Such a body.
struct Paced {
    body: Body,
    account: Account,
    rests: Option<BoxFuture<'static, ()>>,
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { body, account, rests } = &mut *self;
        while !(account.client.in_all.has_left() && account.site.in_all.has_left()) {
            let Account { client, site } = account.clone();
            let rest = rests.get_or_insert_with(|| {
                async move {
                    client.in_all.rest().await;
                    site.in_all.rest().await;
                }
                .boxed()
            });
            ready!(rest.as_mut().poll(context));
            *rests = None;
        }
        let (frame, time) = step(|| Pin::new(body).poll_frame(context));
        account.take(time);
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Goes on with work a little; with what that took of the processor.
fn step<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let before = worked();
    let done = work();
    (done, worked().saturating_sub(before))
}

/// What this thread has had of the processor.
fn worked() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures::future::join_all;
    use http_body_util::BodyExt as _;
    use tokio::sync::Semaphore;
    use uuid::Uuid;

    use super::*;

    const SITES: [SiteId; 2] = [SiteId::DEFAULT, SiteId(Uuid::from_u128(1))];

    fn in_background() -> bool {
        std::thread::current().name() == Some("background")
    }

    /// Where each step of some work is done.
    async fn steps(number: usize) -> Vec<bool> {
        let mut steps = Vec::new();
        for _ in 0..number {
            let begun = worked();
            while worked() == begun {}
            steps.push(in_background());
            tokio::task::yield_now().await;
        }
        steps
    }

    async fn of(processor: &Processor, who: u64, kind: Kind) -> Vec<bool> {
        processor.answer((Bearing::Known(who), SITES[0]), kind, steps(3)).await.unwrap()
    }

    #[tokio::test]
    async fn a_request_that_takes_much_goes_on_in_the_background_and_the_next_begins_there() {
        let processor = Processor::new(true);
        assert_eq!(of(&processor, 1, Kind::Read).await, [false; 3], "nobody has taken much");
        assert_eq!(of(&processor, 1, Kind::Long).await, [true; 3], "what takes much, always");
        let client = processor.parts.clients.of(Bearing::Known(1));
        let much = async move {
            client.in_foreground.take(Duration::MAX);
            in_background()
        };
        let (begun, gone_on) = (much, steps(1));
        let request = async move { (begun.await, tokio::task::yield_now().await, gone_on.await) };
        let answered = processor.answer((Bearing::Known(1), SITES[0]), Kind::Change, request).await.unwrap();
        assert_eq!(answered, (false, (), vec![true]));
        assert_eq!(of(&processor, 1, Kind::Read).await, [true; 3]);
        assert_eq!(of(&processor, 1, Kind::Change).await, [true; 3]);
        assert_eq!(of(&processor, 2, Kind::Read).await, [false; 3], "another client of the same school");
        processor.parts.sites.of(SITES[0]).in_foreground.take(Duration::MAX);
        assert_eq!(of(&processor, 2, Kind::Read).await, [true; 3], "its clients together have taken much");
    }

    #[tokio::test]
    async fn one_client_has_so_many_in_the_foreground_and_reads_the_rest_one_by_one() {
        let (processor, go_on) = (Processor::new(true), Arc::new(Semaphore::new(0)));
        let at_work = Arc::new(AtomicU64::new(0));
        let reading = |(who, site): (u64, usize), kind| {
            let (go_on, at_work) = (Arc::clone(&go_on), Arc::clone(&at_work));
            let work = async move {
                at_work.fetch_add(1, Ordering::Relaxed);
                drop(go_on.acquire().await.unwrap());
                in_background()
            };
            let processor = processor.clone();
            tokio::spawn(async move { processor.answer((Bearing::Known(who), SITES[site]), kind, work).await.unwrap() })
        };
        let under_way = async |number| {
            while at_work.load(Ordering::Relaxed) < number {
                tokio::task::yield_now().await;
            }
        };
        let most = REQUESTS + 1;
        let many: Vec<_> = (0..60).map(|_| reading((1, 0), Kind::Read)).collect();
        under_way(most as u64).await;
        let others = [reading((2, 0), Kind::Read), reading((1, 0), Kind::Change)];
        under_way(most as u64 + 2).await;
        // Whoever goes away gives back what they had, or waited for.
        let (gone, stay): (Vec<_>, Vec<_>) = many.into_iter().enumerate().partition(|(nth, _)| nth % 2 == 0);
        for (_, gone) in &gone {
            gone.abort();
        }
        go_on.add_permits(1);
        let stay: Vec<_> = join_all(stay.into_iter().map(|(_, request)| request)).await;
        assert_eq!(stay.into_iter().filter(|done| *done.as_ref().unwrap()).count(), 30 - REQUESTS / 2);
        let [other, change] = join_all(others).await.try_into().unwrap();
        assert!(
            !other.unwrap() && change.unwrap(),
            "a classmate reads in the foreground, and a change waits for nobody"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_made_while_it_is_sent_waits_where_its_client_has_taken_its_share() {
        let (processor, whose) = (Processor::new(true), (Bearing::Known(1), SITES[0]));
        let lines =
            || Body::from_stream(futures::stream::iter((0..3).map(|_| Ok::<_, std::convert::Infallible>("line\n"))));
        let mut body = processor.paced(whose, lines());
        assert!(body.frame().now_or_never().is_some());
        processor.parts.clients.of(whose.0).in_all.take(Duration::MAX);
        assert!(body.frame().now_or_never().is_none(), "it waits");
        let other = processor.paced((Bearing::Known(2), SITES[0]), lines());
        assert_eq!(other.collect().await.unwrap().to_bytes().len(), 15);
        assert_eq!(Processor::new(false).paced(whose, lines()).collect().await.unwrap().to_bytes().len(), 15);
    }
}
