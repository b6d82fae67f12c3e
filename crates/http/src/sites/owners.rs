//! The first owner of a site, made once the site is opened. Opening is recorded in the registry and the owner in the site, so
//! these are two appends: whoever comes to know of a site makes sure of the second, and it is the same command every time.

use rollbook_domain::person::BootstrapOwner;
use rollbook_domain::site::{FirstOwner, Site};
use rollbook_domain::text::{Email, Name, TextError};
use rollbook_domain::{Actor, PersonId, Personal, SiteId};
use rollbook_store::{CommandKey, ExecuteError, Executor, Request};
use uuid::Uuid;

/// Makes the person whom a site was opened for its owner, in the database that holds the site; none of the default
/// site, whose owner comes from the configuration. Done before, it changes nothing, whatever has become of them since.
pub async fn ensure(executor: &Executor, site: SiteId, opened: &Site) -> Result<(), ExecuteError> {
    let Some(owner) = &opened.first_owner else { return Ok(()) };
    let command = match command(site, owner) {
        Ok(command) => command,
        Err(error) => {
            tracing::error!(%site, %error, "a site cannot have the owner whom it was opened for");
            return Ok(());
        }
    };
    let request = Request {
        site,
        actor: Actor::System,
        command: command.into(),
        command_id: Some(key(site, "the first owner is made")),
        if_match: None,
        correlation_id: None,
    };
    match executor.execute(request).await {
        // Nobody else has the service's keys: it was done before, by a version that wrote the name otherwise.
        Ok(_) | Err(ExecuteError::KeyReused) => Ok(()),
        Err(error) => Err(error),
    }
}

fn command(site: SiteId, FirstOwner { id, email, name }: &FirstOwner) -> Result<BootstrapOwner, TextError> {
    let email = Email::try_new(email.as_str())?;
    let local = email.as_str().split('@').next().unwrap_or_default();
    let name = name.as_ref().map_or_else(|| Name::try_new(local), |name| Name::try_new(name.as_str()))?;
    // Sites that are older than such ids got their owner under this one: the same command again, which changes nothing.
    let person_id = id.unwrap_or_else(|| PersonId(of(site, "the first owner")));
    Ok(BootstrapOwner { person_id, name: Personal::new(name), email: Personal::new(email) })
}

/// The service's key of what it does once for a site, in every process the same.
pub fn key(site: SiteId, purpose: &str) -> CommandKey {
    CommandKey::of_service(of(site, purpose))
}

fn of(site: SiteId, purpose: &str) -> Uuid {
    Uuid::new_v5(&site.0, purpose.as_bytes())
}
