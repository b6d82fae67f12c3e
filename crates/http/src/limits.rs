//! How much one client may ask for: requests a second for each token and each address, the length of an address line and of
//! headers, connections. Counted in this process alone: several processes allow several times as much.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use lru::LruCache;
use rollbook_domain::{PersonId, SiteId};
use secrecy::ExposeSecret;

use crate::auth::presented;
use crate::client_address::{ClientAddress, Peer, TrustedProxies};
use crate::headers::single;
use crate::in_flight::{Client, InFlight};
use crate::problem::ApiError;
use crate::processor::{Processor, Served};
use crate::room::RESERVE_BYTES;

/// The most bytes of a path with its query.
const LONGEST_URL_BYTES: usize = 8 << 10;

/// The most bytes of all headers, names and values.
const LARGEST_HEADERS_BYTES: usize = 32 << 10;

/// How many seconds' worth of requests may come at once.
const BURST_SECONDS: u32 = 5;

/// After so many questions those who have not asked for a while are forgotten.
const FORGET_EVERY: u32 = 4_096;

/// How many tokens that have let somebody in are remembered. Of more, those that are used least count by address once
/// again.
const KNOWN_TOKENS: NonZeroUsize = NonZeroUsize::new(50_000).expect("not zero");

/// What is always answered: whoever watches over the service must not be shut out by those who use it.
const WATCHED: [&str; 2] = ["/healthz", "/readyz"];

/// Whether a request is of somebody who watches over the service.
pub fn is_watched(uri: &Uri) -> bool {
    WATCHED.contains(&uri.path())
}

/// The limits of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests a second for one token, and for all tokens of one address that are not known. Five seconds' worth may come at
    /// once. None is no limit, neither of these nor of what they take of the processor.
    pub per_token: Option<NonZeroU32>,
    /// Requests a second for one address, or one IPv6 network of 64 bits; none is no limit.
    pub per_address: Option<NonZeroU32>,
    /// Connections at a time.
    pub connections: usize,
    /// Connections at a time from one address, or one IPv6 network of 64 bits. Trusted proxies have no such limit.
    pub connections_per_address: usize,
    /// The bytes that every disk is to have free which the service writes to: with fewer it takes nothing that grows.
    pub disk_reserve: u64,
    /// Whose word on where a request comes from is taken.
    pub proxies: TrustedProxies,
}

/// What a class of students behind one address needs, with room.
impl Default for Limits {
    fn default() -> Self {
        Self {
            per_token: NonZeroU32::new(200),
            per_address: NonZeroU32::new(500),
            connections: 4_096,
            connections_per_address: 1_024,
            disk_reserve: RESERVE_BYTES,
            proxies: TrustedProxies::default(),
        }
    }
}

/// The limits with what was counted so far. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Counted(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    proxies: TrustedProxies,
    tokens: Option<Rate<Bearing>>,
    addresses: Option<Rate<IpAddr>>,
    /// The tokens that have let somebody in, and whom, however they are sent: by a hash that nobody outside can foresee.
    known: Mutex<LruCache<u64, PersonId>>,
    hasher: RandomState,
    in_flight: InFlight,
    processor: Processor,
    warned: Once,
    /// Whether the service is reached over TLS, as its operator says.
    over_tls: bool,
}

/// What a proxy tells of how a request came to it.
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Who asks, as far as it is known before they are asked who they are: whatever they have of the service they have as one,
/// by however many tokens and connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// Somebody whom their token has let in before.
    Person(PersonId),
    /// Everybody else at an address.
    Address(IpAddr),
}

/// What requests with a token are counted by. What nobody has let in yet may be made up anew each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Bearing {
    /// A token that has let somebody in, by its hash.
    Known(u64),
    /// Everybody else at an address.
    Unknown(IpAddr),
}

/// A request's token, for whoever finds that it lets somebody in.
#[derive(Clone, Debug)]
pub struct Shown {
    counted: Counted,
    token: u64,
}

impl Shown {
    /// The token lets somebody in: from now on it counts for itself, and what it asks for counts for them.
    pub fn is_of(&self, person: PersonId) {
        lock(&self.counted.0.known).put(self.token, person);
    }
}

impl Counted {
    /// Nothing yet, of a service that its operator says is at this address.
    pub fn new(limits: &Limits, public_url: Option<&str>) -> Self {
        Self(Arc::new(Counters {
            proxies: limits.proxies.clone(),
            tokens: limits.per_token.map(a_second).map(Rate::new),
            addresses: limits.per_address.map(a_second).map(Rate::new),
            known: Mutex::new(LruCache::new(KNOWN_TOKENS)),
            hasher: RandomState::new(),
            in_flight: InFlight::default(),
            processor: Processor::new(limits.per_token.is_some()),
            warned: Once::new(),
            over_tls: public_url.is_some_and(|url| url.trim_start().starts_with("https://")),
        }))
    }

    /// Whether a request came over TLS: everybody's do, or the proxy says so that it came through.
    pub fn came_over_tls(&self, request: &Request) -> bool {
        let told = || {
            let peer = request.extensions().get::<Peer>();
            let proxy = peer.is_some_and(|Peer(peer)| self.0.proxies.contain(*peer));
            let scheme = single(request.headers(), FORWARDED_PROTO).ok().flatten();
            proxy && scheme.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
        };
        self.0.over_tls || told()
    }

    /// The token that a request to a site shows, as whoever asks for it reads it. In another site it is another one: there it
    /// has let nobody in, and a school with a database of its own says itself who its people are.
    fn shown(&self, site: SiteId, headers: &HeaderMap) -> Option<Shown> {
        let token = presented(headers).ok()?.token;
        Some(Shown { token: self.0.hasher.hash_one((site, token.expose_secret())), counted: self.clone() })
    }

    fn refusal(
        &self,
        client: ClientAddress,
        uri: &Uri,
        headers: &HeaderMap,
        shown: Option<&Shown>,
    ) -> Option<ApiError> {
        if uri.path_and_query().is_some_and(|address| address.as_str().len() > LONGEST_URL_BYTES) {
            return Some(ApiError::UrlTooLong);
        }
        let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if size > LARGEST_HEADERS_BYTES {
            return Some(ApiError::HeadersTooLarge);
        }
        if is_watched(uri) {
            return None;
        }
        let Counters { tokens, addresses, .. } = &*self.0;
        let wait = addresses.as_ref().and_then(|rate| rate.wait(&client.network()));
        let bearing = |Shown { token, .. }: &Shown| match self.who(client, shown) {
            Who::Person(_) => Bearing::Known(*token),
            Who::Address(address) => Bearing::Unknown(address),
        };
        let wait = wait.or_else(|| tokens.as_ref().zip(shown).and_then(|(rate, shown)| rate.wait(&bearing(shown))));
        wait.map(|wait| ApiError::TooManyRequests { wait })
    }

    /// Who asks.
    fn who(&self, client: ClientAddress, shown: Option<&Shown>) -> Who {
        let known = shown.and_then(|Shown { token, .. }| lock(&self.0.known).get(token).copied());
        known.map_or_else(|| Who::Address(client.network()), Who::Person)
    }
}

/// Finds out where a request comes from, and refuses what is too long or too often.
pub async fn limited(State((counted, served)): State<(Counted, Served)>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let client = peer.map_or(ClientAddress::UNKNOWN, |Peer(peer)| counted.0.proxies.client(peer, request.headers()));
    if peer.is_some_and(|Peer(peer)| counted.0.proxies.miss_one(peer, request.headers())) {
        counted.0.warned.call_once(|| {
            tracing::warn!(
                "a request came from this machine with X-Forwarded-For, which is believed of nobody: if that is your \
                proxy, say ROLLBOOK_TRUSTED_PROXIES=127.0.0.1/32,::1/128; until then all its clients count as one"
            );
        });
    }
    let shown = counted.shown(served.site, request.headers());
    if let Some(refusal) = counted.refusal(client, request.uri(), request.headers(), shown.as_ref()) {
        return refusal.into_response();
    }
    request.extensions_mut().insert(client);
    let (all, processor) = (counted.0.in_flight.clone(), counted.0.processor.clone());
    let who = counted.who(client, shown.as_ref());
    // Whoever watches over the service waits in no line.
    if !is_watched(request.uri()) {
        request.extensions_mut().insert(Client { all, who, served, processor });
    }
    if let Some(shown) = shown {
        request.extensions_mut().insert(shown);
    }
    next.run(request).await
}

fn lock<T>(counted: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So many requests a second.
fn a_second(number: NonZeroU32) -> Quota {
    let burst = number.saturating_mul(NonZeroU32::new(BURST_SECONDS).expect("not zero"));
    Quota::per_second(number).allow_burst(burst)
}

/// So many over time for each key.
#[derive(Debug)]
pub struct Rate<K: Clone + Hash + Eq> {
    limiter: DefaultKeyedRateLimiter<K>,
    asked: AtomicU32,
}

impl<K: Clone + Hash + Eq> Rate<K> {
    /// Nobody has asked yet.
    pub fn new(quota: Quota) -> Self {
        Self { limiter: DefaultKeyedRateLimiter::keyed(quota), asked: AtomicU32::new(0) }
    }

    /// How long a key must wait; none where it need not.
    pub fn wait(&self, key: &K) -> Option<Duration> {
        if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(FORGET_EVERY) {
            self.limiter.retain_recent();
        }
        let refused = self.limiter.check_key(key).err()?;
        Some(refused.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::header::{AUTHORIZATION, COOKIE};
    use axum::middleware::from_fn_with_state;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    fn counted(per_token: u32, per_address: u32) -> Counted {
        let (per_token, per_address) = (NonZeroU32::new(per_token), NonZeroU32::new(per_address));
        Counted::new(&Limits { per_token, per_address, ..Limits::default() }, None)
    }

    fn asked(counted: &Counted, address: &str, token: &str) -> Option<u16> {
        let client = ClientAddress(address.parse().unwrap());
        let headers = HeaderMap::from_iter([(AUTHORIZATION, token.parse().unwrap())]);
        let (uri, shown) = (Uri::from_static("/v1/me"), counted.shown(SiteId::DEFAULT, &headers));
        counted.refusal(client, &uri, &headers, shown.as_ref()).map(|refusal| refusal.problem().status)
    }

    fn is_known(counted: &Counted, token: &str) {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, token.parse().unwrap())]);
        counted.shown(SiteId::DEFAULT, &headers).unwrap().is_of(PersonId(uuid::Uuid::from_u128(1)));
    }

    #[test]
    fn a_token_that_asks_too_often_is_told_to_wait_and_others_go_on() {
        let counted = counted(1, 0);
        is_known(&counted, "Bearer a");
        is_known(&counted, "Bearer b");
        let answers: Vec<_> = (0..20).map(|_| asked(&counted, "192.0.2.1", "Bearer a")).collect();
        assert_eq!(answers.iter().filter(|answer| answer.is_none()).count(), 5);
        assert_eq!(answers.last(), Some(&Some(429)));
        assert_eq!(asked(&counted, "192.0.2.1", "Bearer b"), None);
    }

    #[test]
    fn tokens_that_are_not_known_count_as_one_for_their_address() {
        let counted = counted(1, 0);
        is_known(&counted, "Bearer a");
        let answers: Vec<_> = (0..20).map(|n| asked(&counted, "192.0.2.1", &format!("Bearer {n}"))).collect();
        assert_eq!(answers.iter().filter(|answer| answer.is_none()).count(), 5);
        assert_eq!(asked(&counted, "192.0.2.2", "Bearer 0"), None, "another address");
        assert_eq!(asked(&counted, "192.0.2.1", "Bearer a"), None, "a token that is known");
    }

    #[test]
    fn a_token_is_the_same_however_it_is_sent_and_a_cookie_that_is_no_session_is_none() {
        let counted = counted(1, 1);
        let sent = |name: axum::http::HeaderName, value: &str| {
            counted
                .shown(SiteId::DEFAULT, &HeaderMap::from_iter([(name, value.parse().unwrap())]))
                .map(|shown| shown.token)
        };
        let token = sent(AUTHORIZATION, "Bearer rb_1").unwrap();
        for same in ["bearer rb_1", "BEARER  rb_1", "Bearer rb_1  "] {
            assert_eq!(sent(AUTHORIZATION, same), Some(token), "{same}");
        }
        for same in ["__Host-rollbook=rb_1", "junk=1; __Host-rollbook=rb_1; junk=2", "__Host-rollbook=rb_1;a"] {
            assert_eq!(sent(COOKIE, same), Some(token), "{same}");
        }
        assert_ne!(sent(AUTHORIZATION, "Bearer rb_2"), Some(token));
        for none in ["junk=1", "__Host-rollbook-device=rb_1", "__Host-rollbook="] {
            assert_eq!(sent(COOKIE, none), None, "{none}");
        }
        assert_eq!(sent(AUTHORIZATION, "Basic rb_1"), None);
    }

    #[test]
    fn whoever_has_several_tokens_is_one_and_a_token_of_another_site_is_nobodys() {
        let (counted, client) = (counted(1, 1), ClientAddress("192.0.2.1".parse().unwrap()));
        let who = |site, token: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, token.parse().unwrap())]);
            counted.who(client, counted.shown(site, &headers).as_ref())
        };
        is_known(&counted, "Bearer a");
        is_known(&counted, "Bearer b");
        let person = who(SiteId::DEFAULT, "Bearer a");
        assert!(matches!(person, Who::Person(_)) && who(SiteId::DEFAULT, "Bearer b") == person);
        let address = who(SiteId(uuid::Uuid::from_u128(7)), "Bearer a");
        assert!(matches!(address, Who::Address(_)) && who(SiteId::DEFAULT, "Bearer c") == address);
    }

    #[test]
    fn an_address_that_asks_too_often_is_told_to_wait_whatever_tokens_it_makes_up() {
        let counted = counted(0, 1);
        let answers: Vec<_> = (0..20).map(|n| asked(&counted, "192.0.2.1", &format!("Bearer {n}"))).collect();
        assert_eq!(answers.iter().filter(|answer| answer.is_none()).count(), 5);
        assert_eq!(asked(&counted, "192.0.2.2", "Bearer 0"), None);
    }

    #[test]
    fn whoever_watches_over_the_service_is_always_answered() {
        let counted = counted(1, 1);
        let client = ClientAddress("192.0.2.1".parse().unwrap());
        for _ in 0..20 {
            assert!(counted.refusal(client, &Uri::from_static("/healthz"), &HeaderMap::new(), None).is_none());
        }
    }

    #[tokio::test]
    async fn whoever_watches_over_the_service_waits_in_no_line() {
        let counts = async |request: Request| request.extensions().get::<Client>().is_some().to_string();
        let router =
            Router::new().fallback(counts).layer(from_fn_with_state((counted(1, 1), Served::DEFAULT), limited));
        for (path, is_client) in [("/healthz", "false"), ("/readyz", "false"), ("/v1/me", "true")] {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap().into_body().collect().await.unwrap();
            assert_eq!(answer.to_bytes(), is_client, "{path}");
        }
    }

    #[test]
    fn too_long_an_address_line_and_too_large_headers_are_refused() {
        let (counted, client) = (counted(0, 0), ClientAddress::UNKNOWN);
        let status = |uri: &Uri, headers: &HeaderMap| {
            counted.refusal(client, uri, headers, None).map(|refusal| refusal.problem().status)
        };
        let path = |length: usize| format!("/{}", "a".repeat(length - 1)).parse::<Uri>().unwrap();
        assert_eq!(status(&path(LONGEST_URL_BYTES), &HeaderMap::new()), None);
        assert_eq!(status(&path(LONGEST_URL_BYTES + 1), &HeaderMap::new()), Some(414));
        let headers =
            |length: usize| HeaderMap::from_iter([("a".parse().unwrap(), "a".repeat(length - 1).parse().unwrap())]);
        assert_eq!(status(&path(1), &headers(LARGEST_HEADERS_BYTES)), None);
        assert_eq!(status(&path(1), &headers(LARGEST_HEADERS_BYTES + 1)), Some(431));
    }
}
