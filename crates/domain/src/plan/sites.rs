//! Commands about sites and their settings: the facts they need are taken from the world, the aggregate decides.

use std::collections::BTreeSet;

use super::Planner;
use super::one::{filled_in, invalid};
use crate::claim::ClaimKey;
use crate::ids::{SiteId, SiteSettingsId};
use crate::refusal::Refusal;
use crate::site::{MAX_HOSTS, Site, SiteCommand, SiteFacts};
use crate::site_settings::SiteSettingsCommand;
use crate::world::Loaded;

impl Planner<'_> {
    pub(super) fn site(&mut self, command: &SiteCommand) -> Result<(), Refusal> {
        let mut facts = SiteFacts::default();
        let (id, before) = match command {
            SiteCommand::OpenSite(c) => {
                facts.slug_owner = self.world.owner(&ClaimKey::site_slug(c.slug.as_str())).map(SiteId::from);
                let id = filled_in(c.site_id, "/site_id")?;
                // The default site is there from the beginning, without an event.
                if id == SiteId::DEFAULT {
                    return Err(Refusal::AlreadyExists(id.into()));
                }
                filled_in(c.owner_id, "/owner_id")?;
                (id, Self::fresh(id, self.world.site(id))?)
            }
            SiteCommand::SetSiteHosts(c) => {
                if c.hosts.len() > MAX_HOSTS {
                    return Err(invalid("/hosts", &format!("must be at most {MAX_HOSTS} hosts")));
                }
                let mut seen = BTreeSet::new();
                if let Some(at) = c.hosts.iter().position(|given| !seen.insert(&given.host)) {
                    return Err(invalid(&format!("/hosts/{at}/host"), "is there twice"));
                }
                for given in &c.hosts {
                    if let Some(owner) = self.world.owner(&ClaimKey::site_host(given.host.as_str())) {
                        facts.host_owners.insert(given.host.as_str().to_owned(), owner.into());
                    }
                }
                self.known_site(c.site_id)?
            }
            SiteCommand::RenameSite(c) => self.known_site(c.site_id)?,
            SiteCommand::CloseSite(c) => self.known_site(c.site_id)?,
            SiteCommand::ReopenSite(c) => self.known_site(c.site_id)?,
            SiteCommand::GiveSiteDatabase(c) => self.known_site(c.site_id)?,
            SiteCommand::ActivateSite(c) => self.known_site(c.site_id)?,
        };
        facts.site_id = Some(id);
        let events = before.state.decide(command, &self.by, &facts)?;
        self.write(id, &before, events);
        Ok(())
    }

    pub(super) fn site_settings(&mut self, command: &SiteSettingsCommand) -> Result<(), Refusal> {
        let SiteSettingsCommand::SetSiteSetting(set) = command;
        let id = SiteSettingsId::from(filled_in(set.site, "")?);
        let before = self.world.site_settings(id);
        let events = before.state.decide(command, &self.by)?;
        self.write(id, &before, events);
        Ok(())
    }

    fn known_site(&self, id: SiteId) -> Result<(SiteId, Loaded<Site>), Refusal> {
        let site = self.world.site(id);
        if id == SiteId::DEFAULT { Ok((id, site)) } else { Ok((id, Self::existing(id, site)?)) }
    }
}

#[cfg(test)]
mod tests;
