//! The places for connections, and who loses theirs when there are too few: whoever has done nothing for longest, and where
//! everybody is busy, the oldest of the address that has most. So nobody who has many keeps others out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::at_once::{AtOnce, OneOf};

/// For how long somebody must have done nothing to lose their place: a request is on its way for a moment.
const IDLE: Duration = Duration::from_millis(500);

/// The places. Cheap to clone.
#[derive(Clone)]
pub struct Places {
    free: Arc<Semaphore>,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    by: HashMap<u64, Connection>,
    /// How many of them each address has.
    numbers: AtOnce<IpAddr>,
}

struct Connection {
    network: IpAddr,
    /// Since when it has done nothing; none while a request is answered.
    idle: Option<Instant>,
    lost: Arc<Notify>,
    _counted: OneOf<IpAddr>,
}

/// A place, for as long as this lives.
pub struct Place {
    places: Places,
    nth: u64,
    lost: Arc<Notify>,
    _permit: OwnedSemaphorePermit,
}

/// A request is answered, for as long as this lives.
pub struct Busy(Arc<Place>);

impl Places {
    /// So many, and nobody has one.
    pub fn new(number: usize) -> Self {
        let free = Arc::new(Semaphore::new(number.min(Semaphore::MAX_PERMITS)));
        Self { free, taken: Arc::default() }
    }

    /// Takes a place, for which somebody else may have to go. Where nobody can be made to, an address that has places gets
    /// no more, unless it waits for everybody else (`waits`), as a proxy does; one that has none waits.
    pub async fn take(&self, network: IpAddr, waits: bool) -> Option<Place> {
        let mut free = pin!(Arc::clone(&self.free).acquire_owned());
        let permit = loop {
            if let Some(permit) = (&mut free).now_or_never() {
                break permit;
            }
            let refused = {
                let mut taken = self.lock();
                !taken.make_room(network) && !waits && taken.numbers.number(&network) > 0
            };
            if refused {
                return None;
            }
            // Whoever has just come has done nothing for long in a moment.
            if let Ok(permit) = timeout(IDLE, &mut free).await {
                break permit;
            }
        };
        let permit = permit.expect("nobody closes it");
        let lost = Arc::new(Notify::new());
        let nth = self.lock().insert(network, Arc::clone(&lost));
        Some(Place { places: self.clone(), nth, lost, _permit: permit })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Has somebody go: who is idle for long, who has more than the address that wants a place, or one of its own that is
    /// idle; whether there is one.
    fn make_room(&mut self, network: IpAddr) -> bool {
        let longest_idle = |of: &dyn Fn(&Connection) -> bool| {
            let idle = self.by.iter().filter(|(_, connection)| of(connection));
            idle.filter_map(|(nth, connection)| Some((connection.idle?, *nth))).min()
        };
        let goes = longest_idle(&|_| true).filter(|(since, _)| since.elapsed() >= IDLE).map(|(_, nth)| nth);
        let goes = goes.or_else(|| self.of_most(network));
        let goes = goes.or_else(|| longest_idle(&|connection| connection.network == network).map(|(_, nth)| nth));
        let goes = goes.and_then(|nth| self.by.remove(&nth));
        goes.inspect(|connection| connection.lost.notify_one()).is_some()
    }

    fn insert(&mut self, network: IpAddr, lost: Arc<Notify>) -> u64 {
        let nth = self.next;
        self.next += 1;
        let counted = self.numbers.count(network, usize::MAX).expect("there are no more than places");
        self.by.insert(nth, Connection { network, idle: Some(Instant::now()), lost, _counted: counted });
        nth
    }

    /// The oldest of the address that has most, where that is more than this one would have.
    fn of_most(&self, network: IpAddr) -> Option<u64> {
        let wanted = self.numbers.number(&network) + 1;
        let (most, _) = self.numbers.most().filter(|(_, number)| *number > wanted)?;
        self.by.iter().filter(|(_, connection)| connection.network == most).map(|(nth, _)| *nth).min()
    }
}

impl Place {
    /// A request is answered, until this is dropped.
    pub fn busy(self: &Arc<Self>) -> Busy {
        self.idle_since(None);
        Busy(Arc::clone(self))
    }

    /// Waits until the place is lost.
    pub async fn lost(&self) {
        self.lost.notified().await;
    }

    fn idle_since(&self, idle: Option<Instant>) {
        if let Some(connection) = self.places.lock().by.get_mut(&self.nth) {
            connection.idle = idle;
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.idle_since(Some(Instant::now()));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().by.remove(&self.nth);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(nth: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, nth])
    }

    /// Places that are all taken by busy requests of one address.
    async fn full(number: usize) -> (Places, Vec<(Arc<Place>, Busy)>) {
        let places = Places::new(number);
        let mut busy = Vec::new();
        for _ in 0..number {
            let place = Arc::new(places.take(network(1), true).await.unwrap());
            busy.push((Arc::clone(&place), place.busy()));
        }
        (places, busy)
    }

    #[tokio::test]
    async fn where_everybody_is_busy_the_oldest_of_the_address_that_has_most_goes() {
        let (places, mut busy) = full(3).await;
        let coming = tokio::spawn({
            let places = places.clone();
            async move { places.take(network(2), true).await.unwrap() }
        });
        busy[0].0.lost().await;
        assert!(busy[1].0.lost().now_or_never().is_none());
        busy.remove(0);
        let second = coming.await.unwrap();
        // One has two now and the other one: nobody has so many more that the third should go.
        places.lock().make_room(network(2));
        assert!(busy.iter().all(|(place, _)| place.lost().now_or_never().is_none()));
        drop(second);
    }

    #[tokio::test]
    async fn an_address_does_not_push_out_itself_or_one_that_has_as_many() {
        let (places, busy) = full(3).await;
        places.lock().make_room(network(1));
        assert!(busy.iter().all(|(place, _)| place.lost().now_or_never().is_none()));
    }

    #[tokio::test]
    async fn whoever_has_done_nothing_for_long_goes_before_anybody_who_is_busy() {
        let (places, mut busy) = full(3).await;
        let (resting, request) = busy.remove(1);
        drop(request);
        let idle = {
            let mut taken = places.lock();
            let idle = taken.by.get_mut(&1).unwrap();
            idle.idle = Instant::now().checked_sub(IDLE);
            Arc::clone(&idle.lost)
        };
        places.lock().make_room(network(1));
        assert!(idle.notified().now_or_never().is_some());
        assert!(busy.iter().all(|(place, _)| place.lost().now_or_never().is_none()));
        drop((busy, resting));
        let left = places.lock();
        assert!(left.by.is_empty() && left.numbers.most().is_none(), "nothing is left over");
    }

    #[tokio::test]
    async fn where_nobody_can_go_whoever_has_a_place_gets_no_other_and_holds_up_nobody() {
        let (places, busy) = full(2).await;
        assert!(places.take(network(1), false).now_or_never().expect("at once").is_none());
        let mut waits = [places.take(network(1), true).boxed(), places.take(network(2), false).boxed()];
        for waits in &mut waits {
            assert!(waits.now_or_never().is_none(), "a proxy, and an address that is not heard yet");
        }
        drop(busy);
        let [proxy, _] = waits;
        assert!(proxy.await.is_some());
    }
}
