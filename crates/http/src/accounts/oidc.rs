//! Signing in by another system's word: the way there and back in a browser, and its tokens from programs. Nobody is registered by it:
//! whoever is not known here is told so.

use axum::extract::{Query, State};
use axum::http::header::{ACCEPT, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::TimeDelta;
use rollbook_domain::account::{LinkIdentity, SignInMethod};
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::{Actor, PersonId, SiteId};
use rollbook_oidc::{Kind, OidcError, Provider, Return, Vouched};
use rollbook_store::accounts::NewFlow;
use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::AccountProblem;
use super::session::{Entrant, begin};
use super::{cookies, next, operation, pages};
use crate::address::{Address, At};
use crate::auth::Site;
use crate::operation::{Operation, Success, Whom};
use crate::problem::ApiError;
use crate::state::AppState;

/// How long somebody may be on the way.
const ON_THE_WAY: TimeDelta = TimeDelta::minutes(10);

/// The operations.
pub fn operations() -> Vec<Operation> {
    const OUT: Success = Success::Elsewhere;
    vec![
        Operation {
            address: String::SCHEMAS,
            query: vec![Going::json_schema],
            ..operation(
                ("sign_in_elsewhere", "get"),
                "/v1/sign-in/{provider}",
                "Sends a browser to another system to sign in there",
                (Whom::Anybody, None, OUT),
                get(set_out),
            )
        },
        Operation {
            address: String::SCHEMAS,
            query: vec![Back::json_schema],
            ..operation(
                ("sign_in_from_elsewhere", "get"),
                "/v1/sign-in/{provider}/callback",
                "Where a browser comes back from another system; the session is a cookie",
                (Whom::Anybody, None, OUT),
                get(come_back),
            )
        },
    ]
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

fn provider<'s>(state: &'s AppState, name: &str) -> Result<&'s Provider, ApiError> {
    let mut providers = state.accounts().providers.iter().map(AsRef::as_ref);
    let found = providers.find(|provider: &&Provider| provider.settings().name == name);
    found.ok_or(ApiError::Account(AccountProblem::NoSuchProvider))
}

/// Where the other system sends a browser back to.
fn way_back(state: &AppState, headers: &HeaderMap, name: &str) -> Result<String, ApiError> {
    state.accounts().address(state.site(), headers, &format!("/v1/sign-in/{name}/callback"))
}

async fn set_out(
    State(state): State<AppState>,
    Site(site): Site,
    At(name): At<String>,
    Query(Going { next }): Query<Going>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let provider = provider(&state, &name)?;
    let way_back = way_back(&state, &headers, &name)?;
    let outset = provider.set_out(&way_back).await.map_err(problem)?;
    let flow = NewFlow {
        state: &outset.state,
        provider: &name,
        nonce: &outset.nonce,
        verifier: &outset.verifier,
        next: next::of_this_site(&next),
        expires_at: state.now() + ON_THE_WAY,
    };
    let browser = state.store().begin_flow(site, &flow).await?;
    let cookies = cookies::headers([cookies::set(cookies::FLOW, &browser, ON_THE_WAY)?]);
    let location = HeaderValue::try_from(outset.url).map_err(|error| ApiError::internal(&error))?;
    Ok((StatusCode::SEE_OTHER, cookies, [(LOCATION, location)]).into_response())
}

async fn come_back(
    state: State<AppState>,
    site: Site,
    at: At<String>,
    query: Query<Back>,
    headers: HeaderMap,
) -> Response {
    let reads_pages = headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/html"));
    match let_in(state, site, at, query, &headers).await {
        Ok(response) => response,
        Err(problem) if reads_pages => pages::not_let_in(problem),
        Err(problem) => problem.into_response(),
    }
}

async fn let_in(
    State(state): State<AppState>,
    Site(site): Site,
    At(name): At<String>,
    Query(Back { code, state: sent }): Query<Back>,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let not = |why| ApiError::Account(AccountProblem::NotVouchedFor(why));
    let lost = "this way to sign in was not begun in this browser, was used, or took too long; begin again";
    let provider = provider(&state, &name)?;
    let browser = cookies::cookie(headers, cookies::FLOW).ok_or(not(lost))?;
    let flow = state.store().take_flow(site, &sent.unwrap_or_default(), &browser, state.now()).await?;
    let flow = flow.filter(|flow| flow.provider == name).ok_or(not(lost))?;
    let code = code.ok_or(not("the other system did not let you in"))?;
    let way_back = way_back(&state, headers, &name)?;
    let back = Return { code: &code, nonce: &flow.nonce, verifier: &flow.verifier, redirect_uri: &way_back };
    let vouched = provider.come_back(&back, state.now()).await.map_err(problem)?;
    let person = known(&state, site, &vouched).await?;
    let found = state.store().person(site, person).await?.state;
    if !found.active {
        return Err(not("the person may not sign in"));
    }
    let method = match provider.settings().kind {
        Kind::Oidc => SignInMethod::Oidc,
        Kind::Discord => SignInMethod::Discord,
    };
    let device = cookies::cookie(headers, cookies::DEVICE);
    let begun =
        begin(&state, site, Entrant { person, method, verified: None, device, epoch: found.epochs.access }).await?;
    let mut cookies = begun.cookies(true)?;
    cookies.append(SET_COOKIE, cookies::unset(cookies::FLOW)?);
    let location = HeaderValue::try_from(flow.next).map_err(|error| ApiError::internal(&error))?;
    Ok((StatusCode::SEE_OTHER, cookies, [(LOCATION, location)]).into_response())
}

/// Who it is that a system vouches for: whoever was linked with its subject, or else whoever has the address that it has verified, who
/// is linked from then on.
async fn known(state: &AppState, site: SiteId, vouched: &Vouched) -> Result<PersonId, ApiError> {
    let store = state.store();
    if let Some(person) = store.identity(site, &vouched.issuer, &vouched.subject).await? {
        return Ok(person);
    }
    let unknown = ApiError::Account(AccountProblem::UnknownPerson);
    let Some(email) = &vouched.email else { return Err(unknown) };
    let Some(owner) = store.owner(site, ClaimKey::email(email)).await? else { return Err(unknown) };
    let person = PersonId::from(owner);
    let found = store.person(site, person).await?.state;
    // Of whoever may not act nothing is recorded.
    if !found.active {
        return Ok(person);
    }
    let command = LinkIdentity { person_id: person, issuer: vouched.issuer.clone() };
    state.record(site, Actor::Person(person), command, None).await?;
    let linked = (person, found.epochs.access);
    store.link_identity(site, (&vouched.issuer, &vouched.subject), linked, state.now()).await?;
    Ok(person)
}

/// Who a program's token is of, if it says to be of a system that is configured: the token is not one of ours.
pub async fn bearer(state: &AppState, site: SiteId, token: &str) -> Result<Option<PersonId>, ApiError> {
    if token.bytes().filter(|byte| *byte == b'.').count() != 2 {
        return Ok(None);
    }
    let mut providers = state.accounts().providers.iter();
    let Some(provider) = providers.find(|provider| provider.is_alleged_by(token)) else { return Ok(None) };
    let vouched = provider.bearer(token, state.now()).await.map_err(|error| match error {
        OidcError::NotVouched(why) => ApiError::Unauthenticated(why),
        OidcError::Unavailable(_) => problem(error),
    })?;
    known(state, site, &vouched).await.map(Some)
}

fn problem(error: OidcError) -> ApiError {
    ApiError::Account(match error {
        OidcError::Unavailable(_) => AccountProblem::ProviderUnavailable,
        OidcError::NotVouched(why) => AccountProblem::NotVouchedFor(why),
    })
}
