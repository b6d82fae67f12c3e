//! A school that lets nobody in by a password: who is left out, and whom that would leave with no way in at all.

use rollbook_domain::person::Person;
use rollbook_domain::site::Slug;
use rollbook_domain::{Command, SiteId};

use super::problem::AccountProblem;
use crate::auth::Authenticated;
use crate::problem::ApiError;
use crate::state::AppState;

/// Refuses to turn passwords off where owners would have no way in: no system that is privileged vouches there. Whoever may not
/// settle it at all is told so first.
pub async fn refuse_last_way_in(state: &AppState, who: &Authenticated, command: &Command) -> Result<(), ApiError> {
    if !command.turns_passwords_off() {
        return Ok(());
    }
    state.executor().preview(who.site, who.actor(command), command.clone()).await?;
    let slug = state.known_site().map(|site| site.slug);
    if slug.is_some_and(|slug| lets_owners_in(state, &slug)) {
        Ok(())
    } else {
        Err(ApiError::Account(AccountProblem::NoOtherWayIn))
    }
}

/// Whether owners come into a site by another system.
fn lets_owners_in(state: &AppState, slug: &str) -> bool {
    state.accounts().vouching(slug).any(|provider| provider.settings().privileged)
}

/// Whether super admins sign in by their passwords even where the default site has turned them off: they would have no other way
/// into any school. The configuration may have had one when that was settled.
fn super_admins_keep_theirs(state: &AppState, site: SiteId) -> bool {
    site == SiteId::DEFAULT && !lets_owners_in(state, Slug::DEFAULT)
}

/// Whether whoever has this password, in the site that they are a person of, is let in by it no more.
pub async fn is_left_out(state: &AppState, site: SiteId, person: &Person) -> Result<bool, ApiError> {
    // A super admin is looked up in the default site, wherever they go.
    let store = if site == SiteId::DEFAULT { state.super_admins().store() } else { state.store() };
    let off = !store.site_settings(site).await?.lets_in_by_password();
    Ok(off && !(super_admins_keep_theirs(state, site) && state.super_admins().include(person)))
}

/// Refuses whom a password lets in no more, once it is known who they are.
pub async fn refuse_left_out(state: &AppState, site: SiteId, person: &Person) -> Result<(), ApiError> {
    if is_left_out(state, site, person).await? { Err(ApiError::Account(AccountProblem::PasswordsOff)) } else { Ok(()) }
}

/// Refuses where nobody is let in by a password, before it is known who asks.
pub async fn refuse_passwords_off(state: &AppState, site: SiteId) -> Result<(), ApiError> {
    if state.store().site_settings(site).await?.lets_in_by_password() || super_admins_keep_theirs(state, site) {
        Ok(())
    } else {
        Err(ApiError::Account(AccountProblem::PasswordsOff))
    }
}
