//! `rollbook invite`: a link by which a person sets a password, and the first owner's way in.

use chrono::TimeDelta;
use rollbook_domain::Actor;
use rollbook_domain::account::{InvitationPurpose, IssueInvitation};
use rollbook_domain::site::Slug;
use rollbook_projections::models::site_settings::settings;
use rollbook_store::{Clock, Executor, Request};
use secrecy::ExposeSecret;

use super::token::person;
use crate::bootstrap;
use crate::cli::Invite;
use crate::database::Database;
use crate::failure::Done;
use crate::output;

/// Prints a link and nothing else. It takes the place of the person's invitation before.
pub async fn run(database: &Database, clock: &Clock, site: &Slug, arguments: &Invite) -> Done {
    if let Some(email) = &arguments.owner_email {
        bootstrap::owner(&Executor::new(database.store().await?, clock.clone()), email).await?;
    }
    let (store, site) = database.of_site(site).await?;
    let (executor, purpose) = (Executor::new(store.clone(), clock.clone()), InvitationPurpose::Invitation);
    let person_id = person(&store, site, &arguments.email).await?;
    // Whatever ends this person's ways in from now on ends this one, too.
    let known = store.person(site, person_id).await?.state;
    let request = Request {
        site,
        actor: Actor::System,
        command: IssueInvitation { person_id, purpose }.into(),
        command_id: None,
        if_match: None,
        correlation_id: None,
    };
    executor.execute(request).await?;
    let good_for = TimeDelta::hours(settings(store.pool(), site).await?.invitation_hours.into());
    let (whom, times) = ((person_id, &*known), (clock.now(), good_for));
    let secret = store.issue_invitation(site, whom, purpose, None, times).await?;
    let url = arguments.public_url.clone().unwrap_or_else(|| format!("http://{}", arguments.listen));
    output::line(&format!("{}/invitation#{}", url.trim_end_matches('/'), secret.expose_secret()))
}
