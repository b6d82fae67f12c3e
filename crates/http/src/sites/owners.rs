//! The first owner of a site, made once the site is opened. Opening is recorded in the registry and the owner in the site, so
//! these are two appends: whoever comes to know of a site makes sure of the second, and it is the same command every time.

use rollbook_domain::person::BootstrapOwner;
use rollbook_domain::text::{Email, Name};
use rollbook_domain::{Actor, CommandId, PersonId, Personal};
use rollbook_projections::models::sites::SiteItem;
use rollbook_store::{ExecuteError, Executor, Request};
use uuid::Uuid;

/// Makes the person whom a site was opened for its owner. Done before, it changes nothing, whatever has become of them since.
pub async fn ensure(executor: &Executor, site: &SiteItem) -> Result<(), ExecuteError> {
    let Some(command) = command(site) else { return Ok(()) };
    let request = Request {
        site: site.site_id,
        actor: Actor::System,
        command: command.into(),
        command_id: Some(CommandId(of(site, "the first owner is made"))),
        if_match: None,
        correlation_id: None,
    };
    executor.execute(request).await?;
    Ok(())
}

/// None for the default site, whose owner comes from the configuration.
fn command(site: &SiteItem) -> Option<BootstrapOwner> {
    let email = Email::try_new(site.owner_email.as_ref()?.as_str()).ok()?;
    let local = email.as_str().split('@').next().unwrap_or_default();
    let name = Name::try_new(site.owner_name.as_ref().map_or(local, Personal::as_str)).ok()?;
    Some(BootstrapOwner {
        person_id: PersonId(of(site, "the first owner")),
        name: Personal::new(name),
        email: Personal::new(email),
    })
}

/// The same id for the same site and purpose, in every process.
fn of(site: &SiteItem, purpose: &str) -> Uuid {
    Uuid::new_v5(&site.site_id.0, purpose.as_bytes())
}
