//! Connections that see one site, and those that see every site: what `rollbook.site` is set to when they begin, which the
//! database holds every row against. It never says who may ask.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rollbook_domain::SiteId;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use crate::EventStore;
use crate::dedicated_connection::ONE_PLAN;

/// The setting of a connection that row-level security asks for.
const SETTING: &str = "rollbook.site";

/// What it is for those who work for all sites at once.
const EVERY: &str = "every";

/// How many connections a site has at most, beside the default one, which is alone in most installations.
const MOST: u32 = 5;

/// How many connections of a pool there are to one for what commands are decided on: few commands ask the database for more than
/// the append does.
const TO_ONE_LOAD: u32 = 5;

/// How long a site's connection is kept that nobody uses.
const IDLE: Duration = Duration::from_mins(1);

/// Lets connections see every site.
#[must_use]
pub fn every_site(options: PgConnectOptions) -> PgConnectOptions {
    options.options([(SETTING, EVERY)])
}

/// A database's URL, for those who look into it by themselves: what they see is every site.
pub fn url_of_every_site(url: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}options=-c%20{SETTING}%3D{EVERY}")
}

/// Connections that see what those of a pool see, for what commands are decided on. Planning that anew takes longer than
/// finding it.
pub(crate) fn loads(pool: &PgPool) -> PgPool {
    let (options, most) = (pool.connect_options(), pool.options().get_max_connections().div_ceil(TO_ONE_LOAD));
    let pool = pool.options().clone().max_connections(most).min_connections(0).idle_timeout(IDLE);
    pool.connect_lazy_with(options.as_ref().clone().options(ONE_PLAN))
}

/// The pools of single sites, each with that for [`loads`], made when they are first asked for. Their connections end when nobody
/// uses them.
#[derive(Debug, Default)]
pub(crate) struct SitePools(Mutex<HashMap<SiteId, (PgPool, PgPool)>>);

impl SitePools {
    fn of(&self, site: SiteId, every_site: &PgPool) -> (PgPool, PgPool) {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let made = pools.entry(site).or_insert_with(|| {
            let options = every_site.connect_options().as_ref().clone().options([(SETTING, site.0)]);
            let pool = every_site.options().clone();
            let all = pool.get_max_connections();
            let most = if site == SiteId::DEFAULT { all } else { all.min(MOST) };
            let pool = pool.max_connections(most).min_connections(0).idle_timeout(IDLE).connect_lazy_with(options);
            (pool.clone(), loads(&pool))
        });
        made.clone()
    }

    /// Ends all connections.
    pub(crate) async fn close(&self) {
        let pools: Vec<_> = self.0.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
        for (_, (pool, loads)) in pools {
            pool.close().await;
            loads.close().await;
        }
    }
}

impl EventStore {
    /// The same store, whose queries see one site. What works for all sites at once is shared: the appender, the look-up of
    /// tokens, what is kept of streams (by site).
    #[must_use]
    pub fn of_site(&self, site: SiteId) -> Self {
        let (pool, loads) = self.sites.of(site, &self.every_site);
        Self { pool, loads, ..self.clone() }
    }

    /// Ends the connections of single sites, and those for loading; the others that see every site are whoever's gave them.
    pub async fn close(&self) {
        self.sites.close().await;
        self.loads.close().await;
    }
}
