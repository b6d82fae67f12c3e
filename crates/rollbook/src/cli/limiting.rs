//! What the command line and the environment say about how much one client may ask for.

use std::num::NonZeroU32;

use clap::Args;
use ipnet::IpNet;
use rollbook_http::{Limits, TrustedProxies};

/// How much one client may ask for.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits (of this process; 0 is no limit)")]
pub struct Limiting {
    /// Requests a second for one token; five seconds' worth may come at once. 0 is no limit of the processor either
    #[arg(long, env = "ROLLBOOK_RATE_PER_TOKEN", default_value_t = rate(Limits::default().per_token), value_name = "N")]
    rate_per_token: u32,
    /// Requests a second from one address, or one IPv6 network of 64 bits
    #[arg(long, env = "ROLLBOOK_RATE_PER_ADDRESS", default_value_t = rate(Limits::default().per_address), value_name = "N")]
    rate_per_address: u32,
    /// Connections at a time
    #[arg(long, env = "ROLLBOOK_CONNECTIONS", default_value_t = Limits::default().connections, value_name = "N")]
    connections: usize,
    /// Connections at a time from one address
    #[arg(long, env = "ROLLBOOK_CONNECTIONS_PER_ADDRESS", default_value_t = Limits::default().connections_per_address,
        value_name = "N")]
    connections_per_address: usize,
    /// The MiB that every disk is to have free which the service writes to: with fewer, uploads, imports and commands are
    /// answered with 507
    #[arg(long, env = "ROLLBOOK_DISK_RESERVE", default_value_t = Limits::default().disk_reserve >> 20, value_name = "MIB")]
    disk_reserve: u64,
    /// The proxies whose X-Forwarded-For is believed, such as 127.0.0.1/32,10.0.0.0/8; without them nobody's is, and
    /// all clients behind a proxy count as one. A proxy must set the header, or add to it, and not pass on what clients
    /// write
    #[arg(long, env = "ROLLBOOK_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORKS")]
    trusted_proxies: Vec<IpNet>,
}

impl Limiting {
    /// The limits of the process.
    pub fn limits(&self) -> Limits {
        let unless_zero = |count: usize| if count == 0 { usize::MAX } else { count };
        Limits {
            per_token: NonZeroU32::new(self.rate_per_token),
            per_address: NonZeroU32::new(self.rate_per_address),
            connections: unless_zero(self.connections),
            connections_per_address: unless_zero(self.connections_per_address),
            disk_reserve: self.disk_reserve.saturating_mul(1 << 20),
            proxies: TrustedProxies::new(self.trusted_proxies.clone()),
        }
    }
}

fn rate(limit: Option<NonZeroU32>) -> u32 {
    limit.map_or(0, NonZeroU32::get)
}
