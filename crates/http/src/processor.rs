//! The processor's time, fair between those who ask: a multilevel feedback queue of two levels. Everybody begins in the
//! foreground. Whoever has taken more of the processor lately than their share goes on in the background (see
//! [`rollbook_background`]), also in the middle of a request, until they have taken less. There a client reads one thing at a
//! time, a site one as well, and those sites in turns that share a database: what is asked of it, too, is bounded by this,
//! and its processes give way to nobody. Nobody is refused who does not wait too long.

use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use futures::future::{BoxFuture, FutureExt};
use futures::join;
use futures::stream::{StreamExt, unfold};
use rollbook_domain::{PersonId, SiteId};
use rollbook_turns::{Bounds, Busy, Turn, Turns};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use crate::at_once::{AtOnce, OneOf};
use crate::layers::to_its_end;
use crate::limits::Who;
use crate::meter::{Meter, Meters};
use crate::problem::ApiError;

/// What a client, and a site, may have of one processor in the foreground: one second in so many. What a client takes in the
/// background counts, too: whoever goes on comes back no sooner.
const CLIENT_IN_FOREGROUND: u32 = 10;
const SITE_IN_FOREGROUND: u32 = 2;

/// The same in all, for those who read; of a client also for what they change.
const CLIENT: u32 = 4;
const SITE: u32 = 2;

/// How many requests of one client are answered in the foreground at once: what they will take is not known yet.
const REQUESTS: usize = 6;

/// How long somebody waits to read in the background, for their own requests, their site's and other sites'.
const PATIENCE: Duration = Duration::from_secs(20);

/// The sites whose people read in the background, one request of each. It holds a connection to the database that they share,
/// and may keep a processor of its server busy.
const READING: Bounds = Bounds { at_once: 2, waiting: 2_048, waiting_of_site: 1, patience: PATIENCE };

/// What a request is, as far as is known beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It reads, and waits for its turn where it is not answered in the foreground.
    Read,
    /// It changes something, and may still be coming in: whoever sends slowly is to hold up nobody. It waits for its client's
    /// own share alone.
    Change,
    /// It takes much, always: it is answered in the background.
    Long,
}

/// The site that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Served {
    /// Which.
    pub site: SiteId,
    /// Whether it has a database of its own, which may answer as late as it likes.
    pub own_database: bool,
}

impl Served {
    /// The default site, and what is nobody's.
    pub const DEFAULT: Self = Self { site: SiteId::DEFAULT, own_database: false };
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
    people: Meters<(PersonId, SiteId), OfClient>,
    /// Apart, since there may be any number of them.
    addresses: Meters<(IpAddr, SiteId), OfClient>,
    sites: Meters<SiteId, OfSite>,
    foreground: AtOnce<(Who, SiteId)>,
    reading: Turns,
}

/// What a client has taken.
#[derive(Debug, Default)]
struct OfClient {
    in_foreground: Meter,
    in_all: Meter,
    /// Whoever reads in the background does so by one request at a time.
    reads: Arc<Mutex<()>>,
}

/// What a site's clients have taken.
#[derive(Debug, Default)]
struct OfSite {
    in_foreground: Meter,
    in_all: Meter,
    reads: Arc<Mutex<()>>,
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
        let (people, addresses, sites) = (Meters::default(), Meters::default(), Meters::default());
        let parts = Parts { people, addresses, sites, foreground: AtOnce::default(), reading: Turns::new(READING) };
        Self { parts: Arc::new(parts), shared }
    }

    /// Answers a request of a client of a site where it belongs: whoever waits too long to read is sent away. What has been begun
    /// is carried to its end with the place that it has, so that nobody has more by going away.
    pub async fn answer<T: Send + 'static>(
        &self,
        whose: (Who, Served),
        kind: Kind,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ApiError> {
        if !self.shared && kind != Kind::Long {
            return Ok(work.await);
        }
        let account = self.account(whose);
        let place = self.place(whose, kind, &account).await?;
        let work = ACCOUNT.scope(account.clone(), work).boxed();
        let work = worked_on(account, place, work);
        if kind == Kind::Read { to_its_end(work).await } else { Ok(work.await) }
    }

    async fn place(&self, whose: (Who, Served), kind: Kind, account: &Account) -> Result<Place, ApiError> {
        let (who, served) = whose;
        let one = if kind == Kind::Long { None } else { self.parts.foreground.count((who, served.site), REQUESTS) };
        let foreground = one.filter(|_| account.has_left_in_foreground());
        match kind {
            Kind::Read if foreground.is_none() => {
                let reads = timeout(PATIENCE, self.line(whose, account)).await;
                let reads = reads.unwrap_or(Err(Busy)).map_err(|Busy| ApiError::Overloaded)?;
                return Ok(Place { foreground, reads: Some(reads) });
            }
            Kind::Change if foreground.is_none() && matches!(who, Who::Person(_)) => account.client.in_all.rest().await,
            Kind::Read | Kind::Change | Kind::Long => {}
        }
        Ok(Place { foreground, reads: None })
    }

    /// Waits for one's turn to read in the background: each line is as long as those are many who have come out of the one before.
    async fn line(&self, (who, served): (Who, Served), account: &Account) -> Result<Reads, Busy> {
        let own = match who {
            Who::Person(_) => {
                let one = Arc::clone(&account.client.reads).lock_owned().await;
                account.client.in_all.rest().await;
                Some(one)
            }
            // Nobody knows whether those who are not known yet are one or a school.
            Who::Address(_) => None,
        };
        let site = Arc::clone(&account.site.reads).lock_owned().await;
        account.site.in_all.rest().await;
        // What a school's own database keeps waiting is that school.
        let database = if served.own_database { None } else { Some(self.parts.reading.turn(served.site).await?) };
        Ok(Reads { _own: own, _site: site, _database: database })
    }

    /// A body that is made while it is sent, as fast as its client's and their site's shares allow. It rests before a piece, and
    /// never in the middle of one: there it may hold a connection to the database.
    pub fn paced(&self, whose: (Who, Served), body: Body) -> Body {
        if !self.shared {
            return body;
        }
        let begun = (body.into_data_stream(), self.account(whose));
        Body::from_stream(unfold(begun, async |(mut pieces, account)| {
            join!(account.client.in_all.rest(), account.site.in_all.rest());
            let piece = poll_fn(|context| {
                let (piece, time) = step(|| pieces.poll_next_unpin(context));
                account.client.took(time);
                account.site.in_all.take(time * SITE);
                piece
            });
            Some((piece.await?, (pieces, account)))
        }))
    }

    fn account(&self, (who, Served { site, .. }): (Who, Served)) -> Account {
        let client = match who {
            Who::Person(person) => self.parts.people.of((person, site)),
            Who::Address(address) => self.parts.addresses.of((address, site)),
        };
        Account { client, site: self.parts.sites.of(site) }
    }
}

/// Where a request is answered, for as long as this lives.
struct Place {
    foreground: Option<OneOf<(Who, SiteId)>>,
    reads: Option<Reads>,
}

/// What whoever reads in the background has waited for.
struct Reads {
    _own: Option<OwnedMutexGuard<()>>,
    _site: OwnedMutexGuard<()>,
    _database: Option<Turn>,
}

tokio::task_local! {
    /// Whose request is being answered.
    static ACCOUNT: Account;
}

/// Does in the background what takes long and waits for nothing, in one step that nobody can break off; whoever's request it
/// is has taken it of the processor.
pub async fn computed<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let account = ACCOUNT.try_with(Account::clone).ok();
    let done = rollbook_background::compute(move || {
        let (done, time) = step(work);
        if let Some(account) = account {
            account.client.took(time);
        }
        done
    });
    done.await.map_err(|error| ApiError::internal(&error))
}

/// Works in a place: in the foreground as long as there is something left of it.
async fn worked_on<T: Send + 'static>(account: Account, place: Place, mut work: BoxFuture<'static, T>) -> T {
    if place.foreground.is_some() {
        let done = poll_fn(|context| {
            if !account.has_left_in_foreground() {
                return Poll::Ready(None);
            }
            let (done, time) = step(|| work.as_mut().poll(context));
            account.client.took(time);
            account.site.in_foreground.take(time * SITE_IN_FOREGROUND);
            done.map(Some)
        });
        if let Some(done) = done.await {
            return done;
        }
        // It may hold what it waits for: it goes on without waiting for a turn.
    }
    let done = poll_fn(move |context| {
        let (done, time) = step(|| work.as_mut().poll(context));
        account.client.took(time);
        // Who never waits for a site's share does not use it up for those who do.
        if place.reads.is_some() {
            account.site.in_all.take(time * SITE);
        }
        done
    });
    rollbook_background::run(done).await
}

impl Account {
    fn has_left_in_foreground(&self) -> bool {
        self.client.in_foreground.has_left() && self.site.in_foreground.has_left()
    }
}

impl OfClient {
    fn took(&self, time: Duration) {
        self.in_foreground.take(time * CLIENT_IN_FOREGROUND);
        self.in_all.take(time * CLIENT);
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

    fn person(who: u128, served: Served) -> (Who, Served) {
        (Who::Person(PersonId(Uuid::from_u128(who))), served)
    }

    fn first(who: u128) -> (Who, Served) {
        person(who, Served::DEFAULT)
    }

    /// Somebody who has taken all that they may in the foreground.
    fn who_took_much(processor: &Processor, whose: (Who, Served)) -> (Who, Served) {
        processor.account(whose).client.in_foreground.take(Duration::MAX);
        whose
    }

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

    async fn of(processor: &Processor, who: u128, kind: Kind) -> Vec<bool> {
        processor.answer(first(who), kind, steps(3)).await.unwrap()
    }

    #[tokio::test]
    async fn a_request_that_takes_much_goes_on_in_the_background_and_the_next_begins_there() {
        let processor = Processor::new(true);
        assert_eq!(of(&processor, 1, Kind::Read).await, [false; 3], "nobody has taken much");
        assert_eq!(of(&processor, 1, Kind::Long).await, [true; 3], "what takes much, always");
        let client = processor.account(first(1)).client;
        let much = async move {
            client.in_foreground.take(Duration::MAX);
            in_background()
        };
        let (begun, gone_on) = (much, steps(1));
        let request = async move { (begun.await, tokio::task::yield_now().await, gone_on.await) };
        let answered = processor.answer(first(1), Kind::Change, request).await.unwrap();
        assert_eq!(answered, (false, (), vec![true]));
        assert_eq!(of(&processor, 1, Kind::Read).await, [true; 3]);
        assert_eq!(of(&processor, 1, Kind::Change).await, [true; 3]);
        assert_eq!(of(&processor, 2, Kind::Read).await, [false; 3], "another client of the same school");
        processor.account(first(2)).site.in_foreground.take(Duration::MAX);
        assert_eq!(of(&processor, 2, Kind::Read).await, [true; 3], "its clients together have taken much");
    }

    #[tokio::test]
    async fn one_client_has_so_many_in_the_foreground_and_reads_the_rest_one_by_one() {
        let (processor, go_on) = (Processor::new(true), Arc::new(Semaphore::new(0)));
        let at_work = Arc::new(AtomicU64::new(0));
        let reading = |who: u128, kind| {
            let (go_on, at_work) = (Arc::clone(&go_on), Arc::clone(&at_work));
            let work = async move {
                at_work.fetch_add(1, Ordering::Relaxed);
                drop(go_on.acquire().await.unwrap());
                in_background()
            };
            let processor = processor.clone();
            tokio::spawn(async move { processor.answer(first(who), kind, work).await.unwrap() })
        };
        let under_way = async |number| {
            let begun = async {
                while at_work.load(Ordering::Relaxed) < number {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_mins(1), begun).await.expect("they are at work");
        };
        let most = REQUESTS + 1;
        let many: Vec<_> = (0..60).map(|_| reading(1, Kind::Read)).collect();
        under_way(most as u64).await;
        let others = [reading(2, Kind::Read), reading(1, Kind::Change)];
        under_way(most as u64 + 2).await;
        // Whoever goes away waits no more, and has what was begun as if they had stayed.
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
        let (processor, whose) = (Processor::new(true), first(1));
        let lines =
            || Body::from_stream(futures::stream::iter((0..3).map(|_| Ok::<_, std::convert::Infallible>("line\n"))));
        let (go_on, _) = tokio::sync::broadcast::channel::<()>(1);
        let mut begun = go_on.subscribe();
        let held = Arc::new(());
        let watched = Arc::downgrade(&held);
        let begins = futures::stream::once(async move {
            begun.recv().await.unwrap();
            drop(held);
            Ok::<_, std::convert::Infallible>("first\n")
        });
        let rest = futures::stream::iter([Ok("second\n")]);
        let mut body = processor.paced(whose, Body::from_stream(begins.chain(rest)));
        assert!(body.frame().now_or_never().is_none(), "its first frame is being made");
        processor.account(whose).client.in_all.take(Duration::MAX);
        go_on.send(()).unwrap();
        assert!(body.frame().now_or_never().is_some(), "what has been begun does not rest");
        assert!(watched.upgrade().is_none());
        assert!(body.frame().now_or_never().is_none(), "it rests before the next");
        let other = processor.paced(first(2), lines());
        assert_eq!(other.collect().await.unwrap().to_bytes().len(), 15);
        assert_eq!(Processor::new(false).paced(whose, lines()).collect().await.unwrap().to_bytes().len(), 15);
    }

    #[tokio::test]
    async fn what_is_computed_for_a_request_is_its_clients_and_done_by_threads_that_give_way() {
        let processor = Processor::new(true);
        let computing = async {
            computed(|| {
                let begun = worked();
                while worked() < begun + Duration::from_millis(60) {}
                in_background()
            })
            .await
        };
        assert!(processor.answer(first(1), Kind::Change, computing).await.unwrap().unwrap());
        assert!(!processor.account(first(1)).client.in_foreground.has_left());
        assert!(computed(in_background).await.unwrap(), "also for nobody");
        assert!(matches!(computed(|| panic!("broken")).await, Err::<(), _>(ApiError::Internal(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_site_reads_one_thing_at_a_time_in_the_background_and_its_own_database_keeps_nobody_else_waiting() {
        let processor = Processor::new(true);
        let site = |number: u128, own_database| Served { site: SiteId(Uuid::from_u128(number)), own_database };
        let stuck = |whose| {
            let (processor, whose) = (processor.clone(), who_took_much(&processor, whose));
            tokio::spawn(async move { processor.answer(whose, Kind::Read, std::future::pending::<()>()).await })
        };
        let (silent, shared) = ([1, 2, 3].map(|number| site(number, true)), [4, 5].map(|number| site(number, false)));
        let reads = async |whose| processor.answer(who_took_much(&processor, whose), Kind::Read, async {}).await;
        let _of_silent = silent.map(|site| stuck(person(1, site)));
        tokio::task::yield_now().await;
        assert!(reads(person(2, shared[0])).await.is_ok(), "schools whose own databases are silent");
        assert!(
            matches!(reads(person(2, silent[0])).await, Err(ApiError::Overloaded)),
            "another person of such a school"
        );
        let _of_shared = shared.map(|site| stuck(person(1, site)));
        tokio::task::yield_now().await;
        assert!(
            matches!(reads(person(2, site(6, false))).await, Err(ApiError::Overloaded)),
            "as many sites as may read"
        );
        assert!(reads(person(2, site(7, true))).await.is_ok(), "who has nothing to do with that database");
    }

    #[tokio::test]
    async fn a_change_waits_for_its_own_clients_share_and_for_nobody_elses() {
        let processor = Processor::new(true);
        let changes = |whose| processor.answer(whose, Kind::Change, async {}).now_or_never();
        let much = who_took_much(&processor, first(1));
        processor.account(much).site.in_all.take(Duration::MAX);
        assert!(
            processor.answer(much, Kind::Change, async { in_background() }).await.unwrap(),
            "its site's is another's"
        );
        processor.account(much).client.in_all.take(Duration::MAX);
        assert!(changes(much).is_none(), "it rests");
        assert!(changes(first(2)).unwrap().is_ok());
        let address = who_took_much(&processor, (Who::Address(IpAddr::from([192, 0, 2, 1])), Served::DEFAULT));
        processor.account(address).client.in_all.take(Duration::MAX);
        let signs_in = processor.answer(address, Kind::Change, async {}).await;
        assert!(signs_in.is_ok(), "who signs in waits for nobody who has the same address");
    }
}
