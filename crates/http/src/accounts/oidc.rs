//! Signing in by another system's word: the way there and back in a browser, and its tokens from programs. Nobody is registered by it:
//! whoever is not known here is told so.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header::{ACCEPT, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::TimeDelta;
use rollbook_domain::account::{LinkIdentity, ShownFactor, SignInMethod};
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::person::{Person, Role};
use rollbook_domain::{Actor, PersonId, SiteId};
use rollbook_oidc::{AuthorizationRequest, Callback, Flow, Kind, OidcError, Provider, VerifiedIdentity};
use rollbook_store::accounts::{Identity, LinkedBy};
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::problem::AccountProblem;
use super::proof::{self, Proof};
use super::session::{Entered, Entrant, enter};
use super::{cookies, next, operation, pages};
use crate::address::{Address, At};
use crate::auth::{Authenticated, Holder, Site};
use crate::client_address::ClientAddress;
use crate::layers::to_its_end;
use crate::operation::{Audience, Operation, Success};
use crate::problem::ApiError;
use crate::sites::CameTo;
use crate::state::AppState;

/// How long somebody may be on the way.
const ON_THE_WAY: TimeDelta = TimeDelta::minutes(10);

/// The operations.
pub fn operations() -> Vec<Operation> {
    const OUT: Success = Success::Redirect;
    vec![
        Operation {
            address: String::SCHEMAS,
            query: vec![Going::json_schema],
            ..operation(
                ("sign_in_elsewhere", "get"),
                "/v1/sign-in/{provider}",
                "Sends a browser to another system to sign in there",
                (Audience::Anybody, None, OUT),
                get(begin_authorization),
            )
        },
        Operation {
            address: String::SCHEMAS,
            query: vec![Back::json_schema],
            ..operation(
                ("sign_in_from_elsewhere", "get"),
                "/v1/sign-in/{provider}/callback",
                "Where a browser comes back from another system; the session is a cookie",
                (Audience::Anybody, None, OUT),
                get(exchange_code),
            )
        },
        Operation {
            address: String::SCHEMAS,
            query: vec![Going::json_schema],
            ..operation(
                ("link_identity", "post"),
                "/v1/sign-in/{provider}/link",
                "Begins to link another system to you: where your browser goes to sign in there; it comes back with your session's \
                 cookie. Needs your password, or a sign-in of the last 10 minutes",
                (Audience::Bearers, Some(proof::BODY), Success::Json(SchemaGenerator::subschema_for::<WayThere>)),
                post(set_out_to_link),
            )
        },
    ]
}

/// The way to another system.
#[derive(Debug, Serialize, JsonSchema)]
struct WayThere {
    /// Where the browser goes that has the cookie of this answer.
    url: String,
}

/// Where somebody goes afterwards.
#[derive(Debug, Deserialize, JsonSchema)]
struct Going {
    /// A path of this site.
    #[serde(default)]
    next: String,
}

/// What the other system sends back.
#[derive(Debug, Deserialize, JsonSchema)]
struct Back {
    /// What it gave, if it let them in.
    code: Option<String>,
    /// What they set out with.
    state: Option<String>,
}

/// The systems that vouch here; whoever asks for another is told that there is none.
fn vouching(state: &AppState) -> impl Iterator<Item = &Provider> {
    let slug = state.known_site().map(|site| site.slug);
    slug.into_iter().flat_map(|slug| state.accounts().vouching(&slug).collect::<Vec<_>>())
}

/// How the systems that vouch here are called in addresses, and by people.
pub fn named(state: &AppState) -> impl Iterator<Item = (&str, &str)> {
    vouching(state).map(|provider| (&*provider.settings().name, &*provider.settings().title))
}

fn provider<'s>(state: &'s AppState, name: &str) -> Result<&'s Provider, ApiError> {
    let found = vouching(state).find(|provider| provider.settings().name == name);
    found.ok_or(ApiError::Account(AccountProblem::NoSuchProvider))
}

/// Where the other system sends a browser back to: the host that it set out from, which alone is sent the cookie.
fn way_back(state: &AppState, came_to: &CameTo, name: &str) -> Result<String, ApiError> {
    let path = format!("/v1/sign-in/{name}/callback");
    state.accounts().address(state.site(), came_to.host.as_deref(), came_to, &path)
}

async fn begin_authorization(
    State(state): State<AppState>,
    At(name): At<String>,
    Query(Going { next }): Query<Going>,
    came_to: CameTo,
) -> Result<Response, ApiError> {
    let (url, cookies) = way_there(&state, provider(&state, &name)?, &came_to, &next, None).await?;
    let location = HeaderValue::try_from(url).map_err(|error| ApiError::internal(&error))?;
    Ok((StatusCode::SEE_OTHER, cookies, [(LOCATION, location)]).into_response())
}

/// Begins to link a system to whoever is signed in. The way back is good in the browser that has their session, and no other.
async fn set_out_to_link(
    State(state): State<AppState>,
    Holder(who): Holder,
    At(name): At<String>,
    Query(Going { next }): Query<Going>,
    client: ClientAddress,
    came_to: CameTo,
    proof: Proof,
) -> Result<Response, ApiError> {
    let provider = provider(&state, &name)?;
    proof.check(&who, client).await?;
    refuse_unprivileged(&state, provider, &who.bearer.state)?;
    let session = who.bearer.token_id.map(|id| id.to_string());
    let (url, cookies) = way_there(&state, provider, &came_to, &next, session).await?;
    Ok((cookies, Json(WayThere { url })).into_response())
}

/// Where a browser goes, and the cookie in which it keeps what it set out with.
async fn way_there(
    state: &AppState,
    provider: &Provider,
    came_to: &CameTo,
    next: &str,
    linking: Option<String>,
) -> Result<(String, HeaderMap), ApiError> {
    let way_back = way_back(state, came_to, &provider.settings().name)?;
    let AuthorizationRequest { url, state: sent, nonce, verifier } =
        provider.begin_authorization(&way_back).await.map_err(problem)?;
    let (next, expires_at) = (next::of_this_site(next).to_owned(), state.now() + ON_THE_WAY);
    let flow = Flow { state: sent, nonce, verifier, next, expires_at, linking };
    let sealed = provider.seal(&state.site().to_string(), &flow).map_err(|error| ApiError::internal(&error))?;
    Ok((url, cookies::headers([cookies::set(cookies::FLOW, &sealed, ON_THE_WAY)?])))
}

async fn exchange_code(
    state: State<AppState>,
    site: Site,
    at: At<String>,
    query: Query<Back>,
    came_to: CameTo,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let reads_pages = headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/html"));
    // A browser comes by a link, and changes something nevertheless.
    to_its_end(async move {
        match let_in(state, site, at, query, (&came_to, &headers)).await {
            Ok(response) => response,
            Err(problem) if reads_pages => pages::not_let_in(problem),
            Err(problem) => problem.into_response(),
        }
    })
    .await
}

async fn let_in(
    State(state): State<AppState>,
    Site(site): Site,
    At(name): At<String>,
    Query(Back { code, state: sent }): Query<Back>,
    (came_to, headers): (&CameTo, &HeaderMap),
) -> Result<Response, ApiError> {
    let lost = || not("this way to sign in was not begun in this browser, was used, or took too long; begin again");
    let provider = provider(&state, &name)?;
    let browser = cookies::cookie(headers, cookies::FLOW).ok_or_else(lost)?;
    let flow = provider.open(&site.to_string(), &browser).ok_or_else(lost)?;
    if Some(&flow.state) != sent.as_ref() || flow.expires_at <= state.now() {
        return Err(lost());
    }
    let code = code.ok_or_else(|| not("the other system did not let you in"))?;
    let way_back = way_back(&state, came_to, &name)?;
    let back = Callback { code: &code, nonce: &flow.nonce, verifier: &flow.verifier, redirect_uri: &way_back };
    let vouched = provider.exchange_code(&back, state.now()).await.map_err(problem)?;
    let next = flow.next;
    let location = HeaderValue::try_from(&next).map_err(|error| ApiError::internal(&error))?;
    if let Some(session) = flow.linking {
        link_to_caller(&state, site, provider, &vouched, (headers, &session)).await?;
        let cookies = cookies::headers([cookies::unset(cookies::FLOW)?]);
        return Ok((StatusCode::SEE_OTHER, cookies, [(LOCATION, location)]).into_response());
    }
    // They have come from there just now, whatever its token says: it repeats what they set out with.
    let vouched = VerifiedIdentity { said_at: None, ..vouched };
    let Known { person, state: found, second_factor } = known(&state, site, provider, &vouched).await?;
    if !found.active {
        return Err(not("the person may not sign in"));
    }
    let method = match provider.settings().kind {
        Kind::Oidc => SignInMethod::Oidc,
        Kind::Discord => SignInMethod::Discord,
    };
    let device = cookies::cookie(headers, cookies::DEVICE);
    let epoch = found.epochs.access;
    let entrant = Entrant { person, method, second_factor, verified: None, device, epoch };
    let (mut cookies, location) = match enter(&state, site, entrant).await? {
        Entered::Begun(begun) => (begun.cookies(true)?, location),
        Entered::Half(half) => (half.cookies()?, pages::second_factor(&next)?),
    };
    cookies.append(SET_COOKIE, cookies::unset(cookies::FLOW)?);
    Ok((StatusCode::SEE_OTHER, cookies, [(LOCATION, location)]).into_response())
}

/// Somebody whom a system vouches for, as the log had them then.
#[derive(Debug)]
pub struct Known {
    /// Who.
    pub person: PersonId,
    /// How the log has them; they need not be active.
    pub state: Arc<Person>,
    /// Whether the system has asked them for a second factor.
    pub second_factor: ShownFactor,
}

fn not(why: &'static str) -> ApiError {
    ApiError::Account(AccountProblem::NotVouchedFor(why))
}

/// Whether somebody's loss would be more than their own: whom the configuration names, too.
fn has_much_to_lose(state: &AppState, person: &Person) -> bool {
    let role = |role| person.roles.contains_key(&role);
    let named = person.email.as_ref().is_some_and(|email| state.super_admins().have(email.as_str()));
    role(Role::Owner) || role(Role::Admin) || named
}

/// Refuses whom a system may let in only if it is said to be privileged.
fn refuse_unprivileged(state: &AppState, provider: &Provider, person: &Person) -> Result<(), ApiError> {
    if !provider.settings().privileged && has_much_to_lose(state, person) {
        return Err(not("this system lets in no owners and no admins here; sign in with your password"));
    }
    Ok(())
}

/// What a program's token is answered that was made before what has ended its person's ways in.
const FROM_BEFORE: &str =
    "this token is from before something ended the person's access; ask the other system for a new one, in a minute";

/// Who it is that a system vouches for: whoever was linked with its subject, or else whoever has the address that it has verified, who
/// is linked from then on. What it said before something ended the person's ways in holds no more.
async fn known(
    state: &AppState,
    site: SiteId,
    provider: &Provider,
    vouched: &VerifiedIdentity,
) -> Result<Known, ApiError> {
    let store = state.store();
    if let Some(identity) = store.identity(site, &vouched.issuer, &vouched.subject).await? {
        if !identity.holds(vouched.said_at) {
            return Err(not(FROM_BEFORE));
        }
        let Identity { person, state: found, .. } = identity;
        refuse_unprivileged(state, provider, &found)?;
        return Ok(Known { person, state: found, second_factor: asked_there(vouched) });
    }
    by_address(state, site, vouched).await
}

/// What a system says that it has asked for besides.
fn asked_there(vouched: &VerifiedIdentity) -> ShownFactor {
    if vouched.multi_factor { ShownFactor::Elsewhere } else { ShownFactor::Nothing }
}

/// Whoever has the address that a system has verified: once, and nobody who has much to lose. It is compared as it is, because what
/// only looks like it, or is folded to it, may be another mailbox.
async fn by_address(state: &AppState, site: SiteId, vouched: &VerifiedIdentity) -> Result<Known, ApiError> {
    let store = state.store();
    let unknown = ApiError::Account(AccountProblem::UnknownPerson);
    let plain = |email: &&str| email.bytes().all(|byte| byte.is_ascii_graphic());
    let Some(email) = vouched.email.as_deref().filter(plain) else { return Err(unknown) };
    let by_hand = || {
        not("owners and admins are not found by their address; sign in with your password and link this system then")
    };
    if state.super_admins().have(email) {
        return Err(by_hand());
    }
    let Some(owner) = store.owner(site, ClaimKey::email(email)).await? else { return Err(unknown) };
    let person = PersonId::from(owner);
    let found = store.person(site, person).await?.state;
    if !found.email.as_ref().is_some_and(|own| own.as_str().eq_ignore_ascii_case(email)) {
        return Err(unknown);
    }
    if has_much_to_lose(state, &found) {
        return Err(by_hand());
    }
    // Of whoever may not act nothing is recorded.
    let second_factor = asked_there(vouched);
    if !found.active {
        return Ok(Known { person, state: found, second_factor });
    }
    let epoch = found.epochs.access;
    let before = || {
        not(
            "another account is this person's already; sign in as before and link this one, or ask an admin to end access",
        )
    };
    if store.has_identity(site, person, epoch).await? {
        return Err(before());
    }
    if let Some(said_at) = vouched.said_at
        && !store.is_said_since(site, person, said_at).await?
    {
        return Err(not(FROM_BEFORE));
    }
    let by = LinkedBy::Address(vouched.said_at);
    link(state, site, vouched, (person, epoch), by).await?.then_some(()).ok_or_else(before)?;
    Ok(Known { person, state: found, second_factor })
}

/// Links a subject to whoever has the session that set out to; the session is shown again, or whoever can make up a cookie could link
/// what they like to whomever they like.
async fn link_to_caller(
    state: &AppState,
    site: SiteId,
    provider: &Provider,
    vouched: &VerifiedIdentity,
    (headers, session): (&HeaderMap, &str),
) -> Result<(), ApiError> {
    let gone = || not("you are not signed in any more as whoever set out to link this system; begin again");
    let token = cookies::cookie(headers, cookies::SESSION).ok_or_else(gone)?;
    let who = Authenticated::of(state, &token).await?.ok_or_else(gone)?;
    let the_same = who.bearer.token_id.is_some_and(|id| id.to_string() == *session);
    if !the_same || who.is_guest() || !who.bearer.state.active {
        return Err(gone());
    }
    refuse_unprivileged(state, provider, &who.bearer.state)?;
    let anothers = || not("this account of the other system is another person's here");
    let (person, epoch) = (who.bearer.person, who.bearer.state.epochs.access);
    if let Some(Identity { person: linked, .. }) =
        state.store().identity(site, &vouched.issuer, &vouched.subject).await?
    {
        // Again is no mistake.
        return if linked == person { Ok(()) } else { Err(anothers()) };
    }
    link(state, site, vouched, (person, epoch), LinkedBy::Hand).await?.then_some(()).ok_or_else(anothers)
}

/// Tells the log, and says whether the subject is the person's from now on.
async fn link(
    state: &AppState,
    site: SiteId,
    VerifiedIdentity { issuer, subject, .. }: &VerifiedIdentity,
    (person, epoch): (PersonId, i64),
    by: LinkedBy,
) -> Result<bool, ApiError> {
    let command = LinkIdentity { person_id: person, issuer: issuer.clone() };
    state.record(site, Actor::Person(person), command, None).await?;
    Ok(state.store().link_identity(site, (issuer, subject), (person, epoch), by, state.now()).await?)
}

/// Who a program's token is of, if it says to be of a system that vouches here: the token is not one of ours.
pub async fn bearer(state: &AppState, site: SiteId, token: &str) -> Result<Option<Known>, ApiError> {
    if token.bytes().filter(|byte| *byte == b'.').count() != 2 {
        return Ok(None);
    }
    let Some(provider) = vouching(state).find(|provider| provider.unverified_issuer_is(token)) else { return Ok(None) };
    let vouched = provider.bearer(token, state.now()).await.map_err(|error| match error {
        OidcError::NotVouched(why) => ApiError::Unauthenticated(why),
        OidcError::Unavailable(_) => problem(error),
    })?;
    known(state, site, provider, &vouched).await.map(Some)
}

fn problem(error: OidcError) -> ApiError {
    ApiError::Account(match error {
        OidcError::Unavailable(_) => AccountProblem::ProviderUnavailable,
        OidcError::NotVouched(why) => AccountProblem::NotVouchedFor(why),
    })
}
