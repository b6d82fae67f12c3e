//! Makes the configured person the site's owner: the one command that only the installation itself issues.

use rollbook_domain::person::BootstrapOwner;
use rollbook_domain::text::{Email, Name};
use rollbook_domain::{Actor, Personal, PersonId, SiteId};
use rollbook_store::{Executor, Request};
use uuid::Uuid;

use crate::failure::{Done, Failure};

/// Makes sure that the address is an owner's. The person is registered under it, if it is nobody's yet.
pub async fn owner(executor: &Executor, email: &str) -> Done {
    let wrong = |error| Failure::new(format!("ROLLBOOK_OWNER_EMAIL {error}"));
    let email = Email::try_new(email).map_err(wrong)?;
    let local = email.as_str().split('@').next().unwrap_or_default();
    let name = Name::try_new(local).map_err(wrong)?;
    let command = BootstrapOwner { person_id: new_person(), name: Personal::new(name), email: Personal::new(email) };
    let request = Request {
        site: SiteId::DEFAULT,
        actor: Actor::System,
        command: command.into(),
        command_id: None,
        if_match: None,
        correlation_id: None,
    };
    executor.execute(request).await.map_err(|error| Failure::from(error).during("ROLLBOOK_OWNER_EMAIL"))?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the binary is the edge that makes ids")]
fn new_person() -> PersonId {
    Uuid::now_v7().into()
}
