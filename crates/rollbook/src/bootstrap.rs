//! Makes the configured people owners of the default site: the one command that only the installation itself issues.

use rollbook_domain::person::BootstrapOwner;
use rollbook_domain::text::{Email, Name};
use rollbook_domain::{Actor, PersonId, Personal, SiteId};
use rollbook_store::{Executor, Request};
use uuid::Uuid;

use crate::failure::{Done, Failure};

const OWNER: &str = "ROLLBOOK_OWNER_EMAIL";
const SUPER_ADMINS: &str = "ROLLBOOK_SUPER_ADMINS";

/// Makes sure that the address is an owner's. The person is registered under it, if it is nobody's yet.
pub async fn owner(executor: &Executor, email: &str) -> Done {
    let email = Email::try_new(email).map_err(|error| Failure::new(format!("{OWNER} {error}")))?;
    make_owner(executor, email, OWNER).await
}

/// Makes sure that every super admin is an owner.
pub async fn super_admins(executor: &Executor, emails: &[Email]) -> Done {
    for email in emails {
        make_owner(executor, email.clone(), SUPER_ADMINS).await?;
    }
    Ok(())
}

async fn make_owner(executor: &Executor, email: Email, variable: &str) -> Done {
    let wrong = |error| Failure::new(format!("{variable} {error}"));
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
    executor.execute(request).await.map_err(|error| Failure::from(error).during(variable))?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the binary is the edge that makes ids")]
fn new_person() -> PersonId {
    Uuid::now_v7().into()
}
