//! Whether a code is somebody's: of their app, or a recovery code, told by its form. What is right is used up by being looked at.

use rollbook_domain::account::{RecordFailedSignIn, ShownFactor, SignInFailure};
use rollbook_domain::person::{Person, SecondFactorKind};
use rollbook_domain::{PersonId, SiteId};
use rollbook_store::accounts::{KeptTotp, TotpSecret};
use rollbook_store::keys::SealedFor;
use secrecy::{ExposeSecret, SecretString};

use super::{recovery, totp};
use crate::accounts::sign_in::record;
use crate::client_address::ClientAddress;
use crate::problem::ApiError;
use crate::state::AppState;

/// The longest text that is looked at: a recovery code with as many hyphens and spaces as somebody may put between.
const LONGEST: usize = 64;

/// Whoever shows a code.
#[derive(Clone, Copy, Debug)]
pub struct Shower<'s> {
    /// Where.
    pub site: SiteId,
    /// Who.
    pub person: PersonId,
    /// As the log has them.
    pub known: &'s Person,
    /// From where.
    pub client: ClientAddress,
    /// The device, if it is known to be their own.
    pub own_device: Option<&'s str>,
}

/// What a code is, if it is the person's; none where it is not. Codes of an app are few, so that guesses are counted: strangers wait.
/// Nobody guesses a recovery code, so that its owner never waits because somebody else guesses.
pub async fn shown(state: &AppState, who: Shower<'_>, code: &SecretString) -> Result<Option<ShownFactor>, ApiError> {
    let text = code.expose_secret();
    if text.len() > LONGEST {
        return Ok(None);
    }
    let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let (store, now) = (state.store(), state.now());
    let account = who.person.to_string();
    if let Some(code) = totp::code(&text) {
        let attempt = state.accounts().codes.attempt((who.site, &account), who.client, who.own_device, now);
        let attempt = attempt.map_err(ApiError::Account)?;
        if let Some((factor, step)) = step(state, who, code).await?
            && store.use_totp(who.site, factor.factor_id, step, now).await?
        {
            seal_anew(state, who, &factor).await?;
            return Ok(Some(ShownFactor::Totp));
        }
        attempt.fail();
    } else if let Some(code) = recovery::code(&text)
        && who.known.has_second_factor()
        && store.use_recovery_code(who.site, who.person, &code).await?
    {
        return Ok(Some(ShownFactor::RecoveryCode));
    }
    record_wrong(state, who);
    Ok(None)
}

/// Tells the log that something wrong was shown, if it is one of the first of a burst.
pub fn record_wrong(state: &AppState, who: Shower<'_>) {
    if state.accounts().codes.is_recorded((who.site, &who.person.to_string()), state.now()) {
        let reason = SignInFailure::WrongSecondFactor;
        record(state, who.site, RecordFailedSignIn { person_id: who.person, reason });
    }
}

/// The app whose code it is, and the step.
async fn step(state: &AppState, who: Shower<'_>, code: u32) -> Result<Option<(KeptTotp, i64)>, ApiError> {
    let apps = who.known.second_factors.iter().filter(|(_, kind)| **kind == SecondFactorKind::Totp);
    for (id, _) in apps {
        let Some(kept) = state.store().totp(who.site, who.person, *id).await? else { continue };
        let secret = reveal(state, who.site, who.person, &kept)?;
        if let Some(step) = totp::step(&secret, code, state.now().timestamp()) {
            return Ok(Some((kept, step)));
        }
    }
    Ok(None)
}

/// What codes are made from.
pub fn reveal(state: &AppState, site: SiteId, person: PersonId, kept: &KeptTotp) -> Result<SecretString, ApiError> {
    let sealed_for = SealedFor::SecondFactor(site, person, kept.factor_id);
    // Without its key nobody can say whether a code is right: that is no wrong code.
    kept.secret.reveal(&state.accounts().keys, sealed_for).map_err(|error| ApiError::internal(&error))
}

/// Seals a secret under the key that seals now.
async fn seal_anew(state: &AppState, who: Shower<'_>, kept: &KeptTotp) -> Result<(), ApiError> {
    let keys = &state.accounts().keys;
    if kept.secret.is_current(keys) {
        return Ok(());
    }
    let sealed_for = SealedFor::SecondFactor(who.site, who.person, kept.factor_id);
    let secret = reveal(state, who.site, who.person, kept)?;
    let anew = TotpSecret::of(keys, sealed_for, &secret).map_err(|error| ApiError::internal(&error))?;
    state.store().reseal_totp(who.site, kept.factor_id, (&kept.secret, &anew)).await?;
    Ok(())
}
