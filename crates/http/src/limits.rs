//! How much one client may ask for: requests a second for each token and each address, the length of an address line and of
//! headers, connections. Counted in this process alone: several processes allow several times as much.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

use crate::client::{ClientAddress, Peer, TrustedProxies};
use crate::problem::ApiError;

/// The most bytes of a path with its query.
const LONGEST_URL_BYTES: usize = 8 << 10;

/// The most bytes of all headers, names and values.
const LARGEST_HEADERS_BYTES: usize = 32 << 10;

/// How many seconds' worth of requests may come at once.
const BURST_SECONDS: u32 = 5;

/// After so many questions those who have not asked for a while are forgotten.
const FORGET_EVERY: u32 = 4_096;

/// What is always answered: whoever watches over the service must not be shut out by those who use it.
const WATCHED: [&str; 2] = ["/healthz", "/readyz"];

/// The limits of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests a second for one token; none is no limit. Five seconds' worth may come at once.
    pub per_token: Option<NonZeroU32>,
    /// Requests a second for one address, or one IPv6 network of 64 bits; none is no limit.
    pub per_address: Option<NonZeroU32>,
    /// Connections at a time.
    pub connections: usize,
    /// Connections at a time from one address, or one IPv6 network of 64 bits. Trusted proxies have no such limit.
    pub connections_per_address: usize,
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
    tokens: Option<Rate<u64>>,
    addresses: Option<Rate<IpAddr>>,
    /// Tokens, and the cookies that stand for them, are counted by a hash that nobody outside can foresee.
    hasher: RandomState,
}

impl Counted {
    /// Nothing yet.
    pub fn new(limits: &Limits) -> Self {
        Self(Arc::new(Counters {
            proxies: limits.proxies.clone(),
            tokens: limits.per_token.map(Rate::new),
            addresses: limits.per_address.map(Rate::new),
            hasher: RandomState::new(),
        }))
    }

    fn refusal(&self, client: ClientAddress, uri: &Uri, headers: &HeaderMap) -> Option<ApiError> {
        if uri.path_and_query().is_some_and(|address| address.as_str().len() > LONGEST_URL_BYTES) {
            return Some(ApiError::UrlTooLong);
        }
        let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if size > LARGEST_HEADERS_BYTES {
            return Some(ApiError::HeadersTooLarge);
        }
        if WATCHED.contains(&uri.path()) {
            return None;
        }
        let Counters { tokens, addresses, hasher, .. } = &*self.0;
        let wait = addresses.as_ref().and_then(|rate| rate.wait(&client.network()));
        let token =
            headers.get(AUTHORIZATION).or_else(|| headers.get(COOKIE)).map(|token| hasher.hash_one(token.as_bytes()));
        let wait = wait.or_else(|| tokens.as_ref().zip(token).and_then(|(rate, token)| rate.wait(&token)));
        wait.map(|wait| ApiError::TooManyRequests { wait })
    }
}

/// Finds out where a request comes from, and refuses what is too long or too often.
pub async fn limited(State(counted): State<Counted>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let client = peer.map_or(ClientAddress::UNKNOWN, |Peer(peer)| counted.0.proxies.client(peer, request.headers()));
    if let Some(refusal) = counted.refusal(client, request.uri(), request.headers()) {
        return refusal.into_response();
    }
    request.extensions_mut().insert(client);
    next.run(request).await
}

/// So many a second for each key.
#[derive(Debug)]
struct Rate<K: Clone + Hash + Eq> {
    limiter: DefaultKeyedRateLimiter<K>,
    asked: AtomicU32,
}

impl<K: Clone + Hash + Eq> Rate<K> {
    fn new(per_second: NonZeroU32) -> Self {
        let burst = per_second.saturating_mul(NonZeroU32::new(BURST_SECONDS).expect("not zero"));
        let limiter = DefaultKeyedRateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst));
        Self { limiter, asked: AtomicU32::new(0) }
    }

    /// How long a key must wait; none where it need not.
    fn wait(&self, key: &K) -> Option<Duration> {
        if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(FORGET_EVERY) {
            self.limiter.retain_recent();
        }
        let refused = self.limiter.check_key(key).err()?;
        Some(refused.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(per_token: u32, per_address: u32) -> Counted {
        let (per_token, per_address) = (NonZeroU32::new(per_token), NonZeroU32::new(per_address));
        Counted::new(&Limits { per_token, per_address, ..Limits::default() })
    }

    fn asked(counted: &Counted, address: &str, token: &str) -> Option<u16> {
        let client = ClientAddress(address.parse().unwrap());
        let headers = HeaderMap::from_iter([(AUTHORIZATION, token.parse().unwrap())]);
        counted.refusal(client, &Uri::from_static("/v1/me"), &headers).map(|refusal| refusal.problem().status)
    }

    #[test]
    fn a_token_that_asks_too_often_is_told_to_wait_and_others_go_on() {
        let counted = counted(1, 0);
        let answers: Vec<_> = (0..20).map(|_| asked(&counted, "192.0.2.1", "Bearer a")).collect();
        assert_eq!(answers.iter().filter(|answer| answer.is_none()).count(), 5);
        assert_eq!(answers.last(), Some(&Some(429)));
        assert_eq!(asked(&counted, "192.0.2.1", "Bearer b"), None);
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
            assert!(counted.refusal(client, &Uri::from_static("/healthz"), &HeaderMap::new()).is_none());
        }
    }

    #[test]
    fn too_long_an_address_line_and_too_large_headers_are_refused() {
        let (counted, client) = (counted(0, 0), ClientAddress::UNKNOWN);
        let status = |uri: &Uri, headers: &HeaderMap| {
            counted.refusal(client, uri, headers).map(|refusal| refusal.problem().status)
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
