//! The site that a subcommand is about, by its slug.

use rollbook_domain::SiteId;
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::site::Slug;
use rollbook_store::EventStore;

use crate::failure::{Done, Failure};

/// The site with a slug, as the log has it.
pub async fn by_slug(store: &EventStore, slug: &Slug) -> Done<SiteId> {
    if slug.as_str() == Slug::DEFAULT {
        return Ok(SiteId::DEFAULT);
    }
    let owner = store.owner(SiteId::DEFAULT, ClaimKey::site_slug(slug.as_str())).await?;
    let nothing =
        || Failure::new(format!("there is no site {}; `rollbook sites list` says which there are", slug.as_str()));
    owner.map(SiteId::from).ok_or_else(nothing)
}
