//! A PostgreSQL that is none, on a free port, and what a test hears of it.

use std::net::{Ipv4Addr, SocketAddr};

use rollbook_torture::fake_postgres;

use super::A_MOMENT;

pub use rollbook_torture::fake_postgres::{CLEARTEXT, Guest, START_UP, message};

/// Where it listens, and what it tells of what it does.
pub struct Fake {
    pub port: u16,
    fake: fake_postgres::Fake,
}

impl Fake {
    /// Does this with every connection, on a thread for each; the first is number 0.
    pub fn start(with: impl Fn(usize, Guest) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let fake = fake_postgres::Fake::start(free, with).expect("a free port");
        Self { port: fake.address.port(), fake }
    }

    /// A URL that leads to it.
    pub fn url(&self) -> String {
        fake_postgres::Fake::url(self.fake.address)
    }

    /// Waits until it has told something; what was told before is passed over.
    pub async fn tells(self, what: &'static str) -> Self {
        let heard = move || {
            while self.fake.told.recv_timeout(A_MOMENT).unwrap_or_else(|_| panic!("nobody tells: {what}")) != what {}
            self
        };
        tokio::task::spawn_blocking(heard).await.expect("it is told")
    }

    /// Everything that it has told so far.
    pub fn all_told(&self) -> Vec<String> {
        self.fake.told.try_iter().collect()
    }

    /// Nothing that it has told is this.
    pub fn never_told(&self, what: &str) {
        assert!(self.all_told().iter().all(|told| told != what), "it was told: {what}");
    }
}
