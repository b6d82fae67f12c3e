//! The commands about a site: what each says, and what it causes. Only super admins issue them, on a host of the default site.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events::{HostAdmits, SiteHost};
use super::host::HostName;
use super::slug::Slug;
use super::{Site, SiteDatabase, SiteEvent, SiteFacts, SiteRule};
use crate::actor::DecisionContext;
use crate::aggregate::Decision;
use crate::claim::ClaimKey;
use crate::command::spec::filled_in;
use crate::command::{StreamCommand, about};
use crate::ids::{PersonId, SiteId};
use crate::personal::Personal;
use crate::policy::Right;
use crate::refusal::Refusal;
use crate::text::{Name, NewEmail, Reason};
use crate::world::{Needs, World};

/// Opens a site, with its first owner. It answers once it has a host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenSite {
    /// The id of the new site, chosen by the client; left out, the server makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_id: Option<SiteId>,
    /// Its short name for operators, which never changes; must be no other site's.
    pub slug: Slug,
    /// What it is called.
    pub name: Name,
    /// Who becomes its owner: a person of the new site, under this address.
    pub owner_email: Personal<NewEmail>,
    /// The owner's name; left out, the address stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_name: Option<Personal<Name>>,
    /// Under which id the owner is registered: the server's to make, so that nobody has it before.
    #[serde(skip)]
    pub owner_id: Option<PersonId>,
    /// Whether it is to have a database of its own. It then answers once that is given to it, and set up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_database: bool,
}

impl StreamCommand for OpenSite {
    type Aggregate = Site;
    const RIGHT: Right = Right::ManageSites;
    const BEGINS: bool = true;

    fn id(&self) -> Option<SiteId> {
        self.site_id
    }

    fn fill_ids(&mut self, new_id: &mut dyn FnMut() -> Uuid) {
        self.site_id.get_or_insert_with(|| new_id().into());
        self.owner_id.get_or_insert_with(|| new_id().into());
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.owner(ClaimKey::site_slug(self.slug.as_str()));
    }

    fn facts(&self, _: SiteId, _: &Site, world: &World) -> Result<SiteFacts, Refusal> {
        filled_in(self.owner_id, "/owner_id")?;
        let slug_owner = world.owner(&ClaimKey::site_slug(self.slug.as_str())).map(Into::into);
        Ok(SiteFacts { slug_owner, ..SiteFacts::default() })
    }

    fn decide(&self, _: &Site, _: &DecisionContext, facts: &SiteFacts) -> Decision<Site> {
        let slug = self.slug.as_str();
        if facts.slug_owner.is_some() || slug == Slug::DEFAULT {
            return Err(SiteRule::SlugTaken { slug: slug.to_owned() });
        }
        let opened = SiteEvent::SiteOpened {
            slug: slug.to_owned(),
            name: self.name.as_str().to_owned(),
            owner_email: self.owner_email.reveal().into(),
            owner_name: self.owner_name.as_ref().map(|name| name.reveal().into()),
            owner_id: self.owner_id,
        };
        Ok([opened].into_iter().chain(self.own_database.then_some(SiteEvent::SiteDatabaseWanted {})).collect())
    }
}

/// A host as a command gives it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenHost {
    /// Without a scheme and a port; names in any script. No wildcard.
    pub host: HostName,
    /// Whom it lets in.
    #[serde(default)]
    pub admits: HostAdmits,
}

impl From<&GivenHost> for SiteHost {
    fn from(given: &GivenHost) -> Self {
        Self { host: given.host.as_str().to_owned(), admits: given.admits }
    }
}

/// Says which hosts a site answers on, in place of those before. A host belongs to one site.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSiteHosts {
    /// The id of the site.
    pub site_id: SiteId,
    /// Its hosts, at most 50, each once; the first is where links lead.
    #[schemars(length(max = 50))]
    pub hosts: Vec<GivenHost>,
}

impl StreamCommand for SetSiteHosts {
    about!(Site, site_id, ManageSites);

    fn check(&self) -> Result<(), Refusal> {
        if self.hosts.len() > MAX_HOSTS {
            return Err(Refusal::invalid("/hosts", format!("must be at most {MAX_HOSTS} hosts")));
        }
        let mut seen = BTreeSet::new();
        match self.hosts.iter().position(|given| !seen.insert(&given.host)) {
            Some(at) => Err(Refusal::invalid(&format!("/hosts/{at}/host"), "is there twice")),
            None => Ok(()),
        }
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        for given in &self.hosts {
            needs.owner(ClaimKey::site_host(given.host.as_str()));
        }
    }

    fn facts(&self, _: SiteId, _: &Site, world: &World) -> Result<SiteFacts, Refusal> {
        let hosts = self.hosts.iter().map(|given| given.host.as_str());
        let owned = hosts.filter_map(|host| Some((host.to_owned(), world.owner(&ClaimKey::site_host(host))?.into())));
        Ok(SiteFacts { host_owners: owned.collect(), ..SiteFacts::default() })
    }

    fn decide(&self, site: &Site, _: &DecisionContext, facts: &SiteFacts) -> Decision<Site> {
        let hosts: Vec<SiteHost> = self.hosts.iter().map(SiteHost::from).collect();
        let taken = |host: &&SiteHost| facts.host_owners.get(&host.host).is_some_and(|owner| *owner != self.site_id);
        if let Some(SiteHost { host, .. }) = hosts.iter().find(taken) {
            return Err(SiteRule::HostTaken { host: host.clone() });
        }
        Ok(if hosts == site.hosts { Vec::new() } else { vec![SiteEvent::SiteHostsSet { hosts }] })
    }
}

/// The most hosts that a site has.
pub const MAX_HOSTS: usize = 50;

/// Gives a site another name. Its slug stays.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameSite {
    /// The id of the site.
    pub site_id: SiteId,
    /// The name from now on.
    pub name: Name,
}

impl StreamCommand for RenameSite {
    about!(Site, site_id, ManageSites);

    fn decide(&self, site: &Site, _: &DecisionContext, _: &SiteFacts) -> Decision<Site> {
        let name = self.name.as_str();
        Ok(if site.name == name { Vec::new() } else { vec![SiteEvent::SiteRenamed { name: name.to_owned() }] })
    }
}

/// Closes a site: it answers nobody any more, and keeps everything.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseSite {
    /// The id of the site; not the default one.
    pub site_id: SiteId,
    /// Why it is closed, for the audit.
    pub reason: Personal<Reason>,
}

impl StreamCommand for CloseSite {
    about!(Site, site_id, ManageSites);

    fn decide(&self, site: &Site, _: &DecisionContext, _: &SiteFacts) -> Decision<Site> {
        if self.site_id == SiteId::DEFAULT {
            return Err(SiteRule::DefaultSiteStays);
        }
        let reason = self.reason.reveal().into();
        Ok(if site.closed { Vec::new() } else { vec![SiteEvent::SiteClosed { reason }] })
    }
}

/// Lets a closed site answer again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReopenSite {
    /// The id of the site.
    pub site_id: SiteId,
}

impl StreamCommand for ReopenSite {
    about!(Site, site_id, ManageSites);

    fn decide(&self, site: &Site, _: &DecisionContext, _: &SiteFacts) -> Decision<Site> {
        Ok(if site.closed { vec![SiteEvent::SiteReopened {}] } else { Vec::new() })
    }
}

/// Says that a site's database is given to it. What leads there is no part of it, and is kept beside the log. No client sends it:
/// the database is looked at before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveSiteDatabase {
    /// The id of the site.
    pub site_id: SiteId,
}

impl StreamCommand for GiveSiteDatabase {
    about!(Site, site_id, ManageSites);

    fn decide(&self, site: &Site, _: &DecisionContext, _: &SiteFacts) -> Decision<Site> {
        match site.database {
            SiteDatabase::Shared => Err(SiteRule::SiteDatabaseNotWanted),
            // Until it is set up it may be given again: a wrong one was named.
            SiteDatabase::Wanted | SiteDatabase::Given => Ok(vec![SiteEvent::SiteDatabaseGiven {}]),
            SiteDatabase::Active => Err(SiteRule::SiteDatabaseGivenAlready),
        }
    }
}

/// Lets a site answer whose database is set up. Only the installation itself says so.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateSite {
    /// The id of the site.
    pub site_id: SiteId,
}

impl StreamCommand for ActivateSite {
    about!(Site, site_id, Bootstrap);

    fn decide(&self, site: &Site, _: &DecisionContext, _: &SiteFacts) -> Decision<Site> {
        match site.database {
            SiteDatabase::Shared => Err(SiteRule::SiteDatabaseNotWanted),
            SiteDatabase::Wanted => Err(SiteRule::SiteDatabaseMissing),
            SiteDatabase::Given => Ok(vec![SiteEvent::SiteActivated {}]),
            SiteDatabase::Active => Ok(Vec::new()),
        }
    }
}
