//! What can be asked about a site. Only super admins ask, on a host of the default site.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events::{HostAdmits, SiteHost};
use super::host::HostName;
use super::slug::Slug;
use crate::ids::{PersonId, SiteId};
use crate::personal::Personal;
use crate::text::{Email, Name, Reason};

/// Opens a site, with its first owner. It answers once it has a host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenSite {
    /// Chosen by the client, or made by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_id: Option<SiteId>,
    /// Its short name for operators, which never changes; must be no other site's.
    pub slug: Slug,
    /// What it is called.
    pub name: Name,
    /// Who becomes its owner: a person of the new site, under this address.
    pub owner_email: Personal<Email>,
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
    /// Which site.
    pub site_id: SiteId,
    /// Its hosts, at most 50, each once; the first is where links lead.
    #[schemars(length(max = 50))]
    pub hosts: Vec<GivenHost>,
}

/// The most hosts that a site has.
pub const MAX_HOSTS: usize = 50;

/// Gives a site another name. Its slug stays.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameSite {
    /// Which.
    pub site_id: SiteId,
    /// The name from now on.
    pub name: Name,
}

/// Closes a site: it answers nobody any more, and keeps everything.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseSite {
    /// Which; not the default one.
    pub site_id: SiteId,
    /// Why.
    pub reason: Personal<Reason>,
}

/// Lets a closed site answer again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReopenSite {
    /// Which.
    pub site_id: SiteId,
}

/// Says that a site's database is given to it. What leads there is no part of it, and is kept beside the log. No client sends it:
/// the database is looked at before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveSiteDatabase {
    /// Which site.
    pub site_id: SiteId,
}

/// Lets a site answer whose database is set up. Only the installation itself says so.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateSite {
    /// Which site.
    pub site_id: SiteId,
}

/// The commands of the site aggregate.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum SiteCommand {
    /// See [`OpenSite`].
    OpenSite(OpenSite),
    /// See [`SetSiteHosts`].
    SetSiteHosts(SetSiteHosts),
    /// See [`RenameSite`].
    RenameSite(RenameSite),
    /// See [`CloseSite`].
    CloseSite(CloseSite),
    /// See [`ReopenSite`].
    ReopenSite(ReopenSite),
    /// See [`GiveSiteDatabase`].
    GiveSiteDatabase(GiveSiteDatabase),
    /// See [`ActivateSite`].
    ActivateSite(ActivateSite),
}

impl SiteCommand {
    /// The site that the command is about; none where the server has yet to make its id.
    pub fn site(&self) -> Option<SiteId> {
        match self {
            Self::OpenSite(c) => c.site_id,
            Self::SetSiteHosts(c) => Some(c.site_id),
            Self::RenameSite(c) => Some(c.site_id),
            Self::CloseSite(c) => Some(c.site_id),
            Self::ReopenSite(c) => Some(c.site_id),
            Self::GiveSiteDatabase(c) => Some(c.site_id),
            Self::ActivateSite(c) => Some(c.site_id),
        }
    }
}
