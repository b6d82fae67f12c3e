//! Makes the configured people owners of the default site, and those whom the configuration names no more owners like any other.
//! Only the installation itself issues these commands.

use std::collections::BTreeSet;
use std::time::Duration;

use rollbook_domain::person::{BootstrapOwner, ReleaseOwner, Role};
use rollbook_domain::text::{Email, Name, email_key};
use rollbook_domain::{Actor, Command, PersonId, Personal, SiteId};
use rollbook_projections::Projections;
use rollbook_projections::models::people::owners;
use rollbook_store::{ExecuteError, Executor, Request};
use uuid::Uuid;

use crate::failure::{Done, Failure};

/// How long the read models may take to come to the log before owners are looked for.
const PATIENCE: Duration = Duration::from_mins(1);

const OWNER: &str = "ROLLBOOK_OWNER_EMAIL";
const SUPER_ADMINS: &str = "ROLLBOOK_SUPER_ADMINS";

/// Makes sure that the address is an owner's. The person is registered under it, if it is nobody's yet.
pub async fn owner(executor: &Executor, email: &str) -> Done {
    make_owner(executor, address(email)?, OWNER).await
}

/// The configured owner's address.
pub fn address(email: &str) -> Done<Email> {
    Email::try_new(email).map_err(|error| Failure::new(format!("{OWNER} {error}")))
}

/// Makes sure that every super admin is an owner.
pub async fn super_admins(executor: &Executor, emails: &[Email]) -> Done {
    for email in emails {
        make_owner(executor, email.clone(), SUPER_ADMINS).await?;
    }
    Ok(())
}

/// Makes owners of the default site whom the configuration names no more owners like any other, whom others can remove. Where it
/// names nobody, it says nothing of anybody.
pub async fn release(executor: &Executor, projections: &Projections, named: &[Email]) -> Done {
    if named.is_empty() {
        return Ok(());
    }
    let store = executor.store();
    let head = store.head().await?;
    if let Err(late) = projections.wait_for(head, PATIENCE).await {
        tracing::warn!(%late, "owners whom the configuration names no more are looked for at the next start");
        return Ok(());
    }
    let named: BTreeSet<_> = named.iter().map(|email| email_key(email.as_str())).collect();
    for person_id in owners(store.pool(), SiteId::DEFAULT).await? {
        let person = store.person(SiteId::DEFAULT, person_id).await?.state;
        let is_named = person.email.as_ref().is_some_and(|email| named.contains(&email_key(email.as_str())));
        if person.roles.get(&Role::Owner) == Some(&true) && !is_named {
            execute(executor, ReleaseOwner { person_id }.into()).await.map_err(Failure::from)?;
            tracing::info!(%person_id, "the configuration names this owner no more: others may remove them");
        }
    }
    Ok(())
}

async fn make_owner(executor: &Executor, email: Email, variable: &str) -> Done {
    let wrong = |error| Failure::new(format!("{variable} {error}"));
    let local = email.as_str().split('@').next().unwrap_or_default();
    let name = Name::try_new(local).map_err(wrong)?;
    let command = BootstrapOwner { person_id: new_person(), name: Personal::new(name), email: Personal::new(email) };
    execute(executor, command.into()).await.map_err(|error| Failure::from(error).during(variable))
}

async fn execute(executor: &Executor, command: Command) -> Result<(), ExecuteError> {
    let (site, actor) = (SiteId::DEFAULT, Actor::System);
    let request = Request { site, actor, command, command_id: None, if_match: None, correlation_id: None };
    executor.execute(request).await?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the binary is the edge that makes ids")]
fn new_person() -> PersonId {
    Uuid::now_v7().into()
}
