//! The emails of sites with databases of their own, delivered as those of the installation are.

use futures::FutureExt;
use futures::future::BoxFuture;
use rollbook_http::{Deliver, Delivery, OwnSite};
use rollbook_mail::{Mailer, Mailing, Settings, SiteDirectory, SiteStatus, waits};
use rollbook_store::StoreError;

/// Delivers as the settings say.
#[derive(Clone, Debug)]
pub struct Delivering(pub Settings);

struct OfSite {
    site: OwnSite,
    mailing: Mailing,
}

impl Deliver for Delivering {
    fn start(&self, site: OwnSite) -> Result<Box<dyn Delivery>, String> {
        let (projections, store, clock) = (site.projections.clone(), site.store.clone(), site.clock.clone());
        let mailer = Mailer::try_new(projections, store, clock, &self.0).map_err(|error| error.to_string())?;
        let asked = site.clone();
        let elsewhere = SiteDirectory::new(move || SiteStatus { closed: asked.closed(), host: asked.host() });
        Ok(Box::new(OfSite { site, mailing: Mailing::start(mailer.of_site(elsewhere)) }))
    }
}

impl Delivery for OfSite {
    fn waits(&self) -> BoxFuture<'_, Result<bool, StoreError>> {
        waits(&self.site.store, self.site.clock.now()).boxed()
    }

    fn stop(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.mailing.stop().boxed()
    }
}
