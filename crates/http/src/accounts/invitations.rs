//! Links by which people set a password: made by an admin, or mailed; used once.
//!
//! The secret is in the link's fragment, which a browser sends to nobody: no log, no proxy and no other page ever has it.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use chrono::{DateTime, TimeDelta, Utc};
use rollbook_domain::account::{
    InvitationPurpose, IssueInvitation, PasswordChange, SetPassword, ShownFactor, SignInMethod,
};
use rollbook_domain::{Actor, Command, PersonId, SiteId};
use rollbook_projections::models::site_settings::settings;
use rollbook_store::accounts::{Redeemed, Shown};
use rollbook_store::{CommandKey, ExecuteError};
use schemars::{JsonSchema, SchemaGenerator};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::problem::AccountProblem;
use super::session::{Entered, Entrant, enter};
use super::sign_in::SIGNED_IN;
use super::without_passwords::{refuse_left_out, refuse_passwords_off};
use super::{cookies, operation, password};
use crate::address::{Address, At};
use crate::auth::{Admin, Caller, Site, refuse_programs};
use crate::client_address::ClientAddress;
use crate::json_body::JsonBytes;
use crate::operation::{Audience, Body, Operation, Success};
use crate::problem::ApiError;
use crate::sites::CameTo;
use crate::state::AppState;

/// Where a link leads.
pub const PAGE: &str = "/invitation";

/// The operations.
pub fn operations() -> Vec<Operation> {
    let invite = Body {
        schema: SchemaGenerator::subschema_for::<InvitationAsked>,
        problems: &["400", "401", "403", "404", "409", "413", "415", "422", "500", "503"],
        required: true,
    };
    let accept = Body {
        schema: SchemaGenerator::subschema_for::<Acceptance>,
        problems: &["400", "403", "409", "413", "415", "422", "429", "500", "503"],
        required: true,
    };
    vec![
        Operation {
            address: PersonId::SCHEMAS,
            ..operation(
                ("invite", "post"),
                "/v1/people/{person_id}/invitation",
                "Makes a link by which a person sets a password, in place of the one before; only an owner invites an owner",
                (Audience::Admins, Some(invite), Success::Json(SchemaGenerator::subschema_for::<Invited>)),
                post(issue),
            )
        },
        operation(
            ("accept_invitation", "post"),
            "/v1/invitations/accept",
            "Sets a password by an invitation's or a reset's link, and signs in; ends all other sessions",
            (Audience::Anybody, Some(accept), SIGNED_IN),
            post(accept_link),
        ),
    ]
}

/// How a person is invited.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct InvitationAsked {
    /// Mail the link to the person, and do not answer with it: the only way where they have ever signed in.
    #[serde(default)]
    send: bool,
}

/// An invitation.
#[derive(Debug, Serialize, JsonSchema)]
struct Invited {
    /// The link; whoever has it becomes the person. Null where it is mailed.
    link: Option<String>,
    /// When it runs out; null where it is mailed, for it is good for as long from then on.
    expires_at: Option<DateTime<Utc>>,
}

async fn issue(
    State(state): State<AppState>,
    Admin(Caller { who, .. }): Admin,
    At(person): At<PersonId>,
    came_to: CameTo,
    body: JsonBytes,
) -> Result<Json<Invited>, ApiError> {
    refuse_programs(&who.bearer)?;
    let InvitationAsked { send } = body.read()?;
    let (now, purpose) = (state.now(), InvitationPurpose::Invitation);
    refuse_passwords_off(&state, who.site).await?;
    // Where its person can come in, and not where whoever invites them does.
    let host = state.known_site().and_then(|site| site.host_of_links().map(str::to_owned)).or(came_to.host.clone());
    let page = state.accounts().address(who.site, host.as_deref(), &came_to, PAGE)?;
    let known = state.store().person(who.site, person).await?.state;
    let command: Command = IssueInvitation { person_id: person, purpose }.into();
    if send {
        state.record(who.site, who.actor(&command), command, None).await?;
        state.store().ask_for_letter(who.site, person, purpose, now).await?;
        return Ok(Json(Invited { link: None, expires_at: None }));
    }
    // Whoever has a link becomes the person: once they have come in, nobody else is shown one, whatever has ended since.
    state.executor().preview(who.site, who.actor(&command), command.clone()).await?;
    if state.store().account(who.site, person).await?.state.came_in {
        return Err(ApiError::Account(AccountProblem::LinkIsMailed));
    }
    state.record(who.site, who.actor(&command), command, None).await?;
    let good_for = TimeDelta::hours(settings(state.pool(), who.site).await?.invitation_hours.into());
    let shown = Shown { to: who.bearer.person, epoch: Some(who.bearer.epoch), super_admin: who.is_guest() };
    let (times, whom) = ((now, good_for), (person, &*known));
    let secret = state.store().issue_invitation(who.site, whom, purpose, Some(shown), times).await?;
    let link = format!("{page}#{}", secret.expose_secret());
    Ok(Json(Invited { link: Some(link), expires_at: Some(now + good_for) }))
}

/// Whoever uses a link.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    /// What comes after the `#` of the link.
    #[schemars(with = "String")]
    secret: SecretString,
    /// The password from now on: 10 to 256 characters.
    #[schemars(with = "String")]
    password: SecretString,
    /// Give the session as a cookie, and no token.
    #[serde(default)]
    cookie: bool,
}

async fn accept_link(
    State(state): State<AppState>,
    Site(site): Site,
    client: ClientAddress,
    headers: HeaderMap,
    body: JsonBytes,
) -> Result<Response, ApiError> {
    let Acceptance { secret, password, cookie } = body.read()?;
    let device = cookies::cookie(&headers, cookies::DEVICE);
    accept(&state, site, client, (&secret, &password), device).await?.answer(cookie)
}

/// Uses a link. Of several at once one does, and the others are told that it is gone.
pub async fn accept(
    state: &AppState,
    site: SiteId,
    client: ClientAddress,
    (secret, password): (&SecretString, &SecretString),
    device: Option<SecretString>,
) -> Result<Entered, ApiError> {
    let gone = || ApiError::Account(AccountProblem::InvitationGone);
    refuse_passwords_off(state, site).await?;
    let (store, now) = (state.store(), state.now());
    let mut place = state.accounts().hashing.place(site, client, whom_a_link_is_for(secret))?;
    let invitation = store.invitation(site, secret, now).await?.ok_or_else(gone)?;
    let person = invitation.person;
    let known = store.person(site, person).await?.state;
    // Something has ended it since it was made.
    if !known.active || invitation.epoch != known.epochs.access {
        return Err(gone());
    }
    refuse_left_out(state, site, &known).await?;
    password::check(password, &known, state, "/password")?;
    let phc = place.hash(password).await?;
    let how = match invitation.purpose {
        InvitationPurpose::Invitation => PasswordChange::Invitation,
        InvitationPurpose::Reset => PasswordChange::Reset,
    };
    // Told while nobody else can use the link, and under its own id: what breaks off here is told once, however often
    // it is tried.
    let told = async {
        if let Some(shown) = invitation.shown
            && !may_be_shown(state, site, person, shown).await?
        {
            return Err(gone());
        }
        // Whether the person has come in before, the log says, and nobody comes between that and this.
        let command = SetPassword { person_id: person, how, first: invitation.shown.is_some() };
        state.record(site, Actor::Person(person), command, Some(CommandKey::of_service(invitation.id))).await.map(drop)
    };
    match store.redeem(site, invitation, (&phc, known.epochs.password), now, told).await? {
        Redeemed::Done => {}
        Redeemed::Gone => return Err(gone()),
    }
    let (method, second_factor) = (SignInMethod::Invitation, ShownFactor::Nothing);
    enter(state, site, Entrant { person, method, second_factor, verified: Some(phc), device, epoch: invitation.epoch })
        .await
}

/// Whether somebody who was shown a link for a person could be shown it now: they are who they were then, and may invite them.
async fn may_be_shown(state: &AppState, site: SiteId, person: PersonId, shown: Shown) -> Result<bool, ApiError> {
    let (sees, actor) = if shown.super_admin {
        (state.super_admins().known(shown.to).await?, Actor::SuperAdmin(shown.to))
    } else {
        (Some(state.store().person(site, shown.to).await?.state), Actor::Person(shown.to))
    };
    let Some(sees) = sees else { return Ok(false) };
    if !sees.active || shown.epoch.is_some_and(|epoch| epoch != sees.epochs.access) {
        return Ok(false);
    }
    let command = IssueInvitation { person_id: person, purpose: InvitationPurpose::Invitation };
    match state.executor().preview(site, actor, command.into()).await {
        Ok(_) => Ok(true),
        Err(ExecuteError::Refused(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Under what a link counts that nobody has looked up yet: not in clear.
fn whom_a_link_is_for(secret: &SecretString) -> String {
    format!("link {:x}", Sha256::digest(secret.expose_secret()))
}
