//! Who must have shown a second factor, and has not. Asked where it is known who asks, so that what is added later is closed to them.

use rollbook_domain::SiteId;
use rollbook_domain::account::ShownFactor;
use rollbook_domain::person::{Person, Role};
use rollbook_domain::site_settings::SecondFactorPolicy;
use rollbook_store::tokens::{Bearer, TokenKind};

use crate::accounts::problem::AccountProblem;
use crate::problem::ApiError;
use crate::state::AppState;

/// What somebody is let do nothing without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacks {
    /// They must have a second factor and have none: they may set one up.
    SecondFactor,
    /// They have one, and this session, key or token has not shown it: they sign in again.
    Showing,
}

impl From<Lacks> for ApiError {
    fn from(lacks: Lacks) -> Self {
        Self::Account(AccountProblem::SecondFactorRequired { has: lacks == Lacks::Showing })
    }
}

/// What the holder of a token lacks, if anything. `guest` is whoever comes from the default site, as a super admin.
///
/// What the command line prints is the installation's word, whose database it takes: nothing more is asked of it. A key was made by a
/// session; what its person has set up for themselves since does not end it, and what is required of them does. So is a calendar's
/// address.
pub async fn lacks(
    state: &AppState,
    person: &Person,
    (kind, shown): (TokenKind, ShownFactor),
    (super_admin, guest): (bool, bool),
) -> Result<Option<Lacks>, ApiError> {
    let shown = match shown {
        ShownFactor::Elsewhere => true,
        ShownFactor::Totp | ShownFactor::Passkey | ShownFactor::RecoveryCode => person.has_second_factor(),
        ShownFactor::Nothing => false,
    };
    if shown || kind == TokenKind::Issued {
        return Ok(None);
    }
    let has = person.has_second_factor();
    let by_themselves = has && kind != TokenKind::ApiKey;
    let lacks = by_themselves || is_required(state, person, (super_admin, guest)).await?;
    Ok(lacks.then_some(if has { Lacks::Showing } else { Lacks::SecondFactor }))
}

/// What a key or an address has shown that the holder of a token makes: what that has.
pub fn handed_on(bearer: &Bearer) -> ShownFactor {
    match bearer.kind {
        TokenKind::Issued => ShownFactor::Elsewhere,
        TokenKind::Session | TokenKind::ApiKey | TokenKind::External => bearer.second_factor,
    }
}

/// Whether somebody must have a second factor here.
pub async fn is_required(
    state: &AppState,
    person: &Person,
    (super_admin, guest): (bool, bool),
) -> Result<bool, ApiError> {
    if super_admin && state.super_admins().must_have_second_factor() {
        return Ok(true);
    }
    if !guest && !person.is(Role::Owner) && !person.is(Role::Admin) {
        return Ok(false);
    }
    let of_owners = |policy| policy == SecondFactorPolicy::OwnersAndAdmins;
    // A guest has an owner's rights here, and is an owner at home.
    let here = of_owners(state.store().site_settings(state.site()).await?.second_factor_policy());
    let home = state.super_admins().store();
    Ok(here || (guest && of_owners(home.site_settings(SiteId::DEFAULT).await?.second_factor_policy())))
}
