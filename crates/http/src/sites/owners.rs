//! The first owner of a site, made once the site is opened. Opening is recorded in the registry and the owner in the site, so
//! these are two appends: whoever comes to know of a site makes sure of the second, and it is the same command every time.

use rollbook_domain::person::BootstrapOwner;
use rollbook_domain::text::{Email, Name};
use rollbook_domain::{Actor, CommandId, PersonId, Personal, SiteId};
use rollbook_projections::models::sites::SiteItem;
use rollbook_store::{ExecuteError, Executor, Request};
use uuid::Uuid;

/// Makes the person whom a site was opened for its owner; none of the default site, whose owner comes from the configuration.
/// Done before, it changes nothing, whatever has become of them since.
pub async fn ensure(executor: &Executor, site: &SiteItem) -> Result<(), ExecuteError> {
    match &site.owner_email {
        Some(email) => make(executor, site.site_id, email, site.owner_name.as_ref()).await,
        None => Ok(()),
    }
}

/// The same, in the database that holds the site.
pub async fn make(
    executor: &Executor,
    site: SiteId,
    email: &Personal<String>,
    name: Option<&Personal<String>>,
) -> Result<(), ExecuteError> {
    let Some(command) = command(site, email, name) else { return Ok(()) };
    let request = Request {
        site,
        actor: Actor::System,
        command: command.into(),
        command_id: Some(CommandId(of(site, "the first owner is made"))),
        if_match: None,
        correlation_id: None,
    };
    executor.execute(request).await?;
    Ok(())
}

fn command(site: SiteId, email: &Personal<String>, name: Option<&Personal<String>>) -> Option<BootstrapOwner> {
    let email = Email::try_new(email.as_str()).ok()?;
    let local = email.as_str().split('@').next().unwrap_or_default();
    let name = Name::try_new(name.map_or(local, Personal::as_str)).ok()?;
    Some(BootstrapOwner {
        person_id: PersonId(of(site, "the first owner")),
        name: Personal::new(name),
        email: Personal::new(email),
    })
}

/// The same id for the same site and purpose, in every process.
pub fn of(site: SiteId, purpose: &str) -> Uuid {
    Uuid::new_v5(&site.0, purpose.as_bytes())
}
