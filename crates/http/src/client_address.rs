//! Where a request comes from: the address that limits count by. It says nothing about who asks, and no right follows from it.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use ipnet::IpNet;

/// What a proxy tells of those before it, the nearest last.
pub const FORWARDED_FOR: &str = "x-forwarded-for";

/// The other end of the connection that a request came on.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// This end of it.
#[derive(Clone, Copy, Debug)]
pub struct Local(pub SocketAddr);

/// The address of the client: the peer's, or, where the peer is a proxy that is trusted, the one that it tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// Nobody knows: the routes were asked without a connection.
    pub const UNKNOWN: Self = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    /// What limits count by: an IPv4 address; of an IPv6 address its network of 64 bits, all of which one client has.
    pub fn network(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            address @ IpAddr::V4(_) => address,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Self::UNKNOWN))
    }
}

/// The proxies whose word on where a request comes from is taken: nobody's, unless the operator says whose. A proxy on
/// this machine is no exception: many pass on what the client wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// These networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether an address is a proxy's.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// Whether a request seems to come through a proxy of this machine while nobody is trusted: all its clients count
    /// as one.
    pub fn miss_one(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        self.0.is_empty() && peer.to_canonical().is_loopback() && headers.contains_key(FORWARDED_FOR)
    }

    /// The client of a request that came from a peer: the last address that was told of and is not a proxy itself. What stands
    /// before it anybody may have written.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut client = peer.to_canonical();
        let told = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let told: Vec<&str> = told.flat_map(|value| value.split(',')).map(str::trim).collect();
        for address in told.into_iter().rev() {
            if !self.contain(client) {
                break;
            }
            // What cannot be read ends the chain: the proxy that passed it on is as far as anybody knows.
            let Ok(address) = address.parse::<IpAddr>() else { break };
            client = address.to_canonical();
        }
        ClientAddress(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, told: &[&'static str]) -> String {
        let headers = told.iter().map(|value| (FORWARDED_FOR.parse().unwrap(), value.parse().unwrap())).collect();
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        proxies.client(peer.parse().unwrap(), &headers).0.to_string()
    }

    #[test]
    fn takes_the_word_of_a_trusted_proxy_and_of_nobody_else() {
        assert_eq!(client("10.0.0.1", &["203.0.113.7"]), "203.0.113.7");
        assert_eq!(client("203.0.113.9", &["203.0.113.7"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn takes_the_last_that_is_no_proxy() {
        assert_eq!(client("10.0.0.1", &["198.51.100.1, 203.0.113.7, 10.0.0.2"]), "203.0.113.7");
        assert_eq!(client("10.0.0.1", &["198.51.100.1", "203.0.113.7"]), "203.0.113.7");
        assert_eq!(client("::ffff:10.0.0.1", &["203.0.113.7"]), "203.0.113.7");
    }

    #[test]
    fn what_cannot_be_read_counts_for_the_proxy() {
        assert_eq!(client("10.0.0.1", &["203.0.113.7, unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.7:4711"]), "10.0.0.1");
    }

    #[test]
    fn nobody_is_trusted_unless_somebody_is_named() {
        let headers = HeaderMap::from_iter([(FORWARDED_FOR.parse().unwrap(), "203.0.113.7".parse().unwrap())]);
        let (nobody, somebody) = (TrustedProxies::default(), TrustedProxies::new(vec!["::1/128".parse().unwrap()]));
        for peer in ["127.0.0.1", "::1", "::ffff:127.0.0.1"].map(|peer| peer.parse::<IpAddr>().unwrap()) {
            assert_eq!(nobody.client(peer, &headers), ClientAddress(peer.to_canonical()));
            assert!(nobody.miss_one(peer, &headers));
            assert!(!nobody.miss_one(peer, &HeaderMap::new()) && !somebody.miss_one(peer, &headers));
        }
        assert!(!nobody.miss_one("203.0.113.9".parse().unwrap(), &headers), "strangers write what they like");
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let network = |address: &str| ClientAddress(address.parse().unwrap()).network();
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
