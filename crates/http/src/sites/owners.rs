//! The first owner of a site, made once the site is opened. Opening is recorded in the registry and the owner in the site, so
//! these are two appends: whoever comes to know of a site makes sure of the second, and it is the same command every time.

use rollbook_domain::person::BootstrapOwner;
use rollbook_domain::site::{FirstOwner, Site};
use rollbook_domain::text::{Email, Name};
use rollbook_domain::{Actor, PersonId, Personal, SiteId};
use rollbook_store::{CommandKey, ExecuteError, Executor, Request};
use uuid::Uuid;

/// Makes the person whom a site was opened for its owner, in the database that holds the site; none of the default site, whose
/// owner comes from the configuration. Done before, it changes nothing, whatever has become of them since.
pub async fn ensure(executor: &Executor, site: SiteId, opened: &Site) -> Result<(), ExecuteError> {
    let Some(command) = opened.first_owner.as_ref().and_then(|owner| command(site, owner)) else { return Ok(()) };
    let request = Request {
        site,
        actor: Actor::System,
        command: command.into(),
        command_id: Some(key(site, "the first owner is made")),
        if_match: None,
        correlation_id: None,
    };
    executor.execute(request).await?;
    Ok(())
}

fn command(site: SiteId, FirstOwner { id, email, name }: &FirstOwner) -> Option<BootstrapOwner> {
    let email = Email::try_new(email.as_str()).ok()?;
    let local = email.as_str().split('@').next().unwrap_or_default();
    let name = Name::try_new(name.as_ref().map_or(local, Personal::as_str)).ok()?;
    // Sites that are older than such ids got their owner under this one: the same command again, which changes nothing.
    let person_id = id.unwrap_or_else(|| PersonId(of(site, "the first owner")));
    Some(BootstrapOwner { person_id, name: Personal::new(name), email: Personal::new(email) })
}

/// The service's key of what it does once for a site, in every process the same.
pub fn key(site: SiteId, purpose: &str) -> CommandKey {
    CommandKey::of_service(of(site, purpose))
}

fn of(site: SiteId, purpose: &str) -> Uuid {
    Uuid::new_v5(&site.0, purpose.as_bytes())
}
