//! Requests again and again, so many at a time, until an attack ends: bounded by that, by a number, and by a pause
//! after whatever is refused, so that a refusal that costs the service nothing is not bought with all of the machine.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use reqwest::header::HOST;
use reqwest::{Client, Method, RequestBuilder};

use super::answers::{CUT, UNANSWERED};
use super::attack::Target;
use crate::Error;

/// The most requests of one attack: more than are answered in a minute.
const MOST: usize = 100_000;
/// The rest after a refusal.
const REST: Duration = Duration::from_millis(100);

/// The address that one of the attackers has, of those that belong to this machine alone.
pub fn attacker(nth: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 1, nth).into()
}

/// A client with an attacker's address.
pub fn client(nth: u8) -> Result<Client, Error> {
    let client = Client::builder().local_address(attacker(nth)).build();
    client.map_err(|error| Error::Broken(format!("a client: {error}")))
}

/// A request to a host of the service's.
pub fn request(
    client: &Client,
    target: &Target,
    method: Method,
    (host, token): (&str, &str),
    path: &str,
) -> RequestBuilder {
    let request = client.request(method, format!("{}{path}", target.scene.url));
    let request = if host.is_empty() { request } else { request.header(HOST, host) };
    if token.is_empty() { request } else { request.bearer_auth(token) }
}

/// Sends one after the other, so many at a time, until the attack ends; each is told its number.
pub async fn again_and_again(target: &Target, at_once: usize, one: impl Fn(usize) -> RequestBuilder) {
    let count = AtomicUsize::new(0);
    join_all((0..at_once).map(async |_| {
        loop {
            let nth = count.fetch_add(1, Ordering::Relaxed);
            if nth >= MOST {
                return;
            }
            let Some(answered) = target.within(answered(one(nth))).await else {
                target.answers.count(UNANSWERED);
                return;
            };
            match answered {
                Some(status) => target.answers.count(&status.to_string()),
                None => target.answers.count(CUT),
            }
            let refused = answered.is_none_or(|status| status >= 400);
            if refused && !target.pause(REST).await {
                return;
            }
        }
    }))
    .await;
}

/// Sends a request and reads its answer to the end, keeping nothing of it; the status, if there is a whole answer.
async fn answered(request: RequestBuilder) -> Option<u16> {
    let mut response = request.send().await.ok()?;
    let status = response.status().as_u16();
    while response.chunk().await.ok()?.is_some() {}
    Some(status)
}
