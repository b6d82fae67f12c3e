//! Who is asking: the person of a token, a session's cookie or another system's word, and what they may read. Rights come from the log and the policy, never from here.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use rollbook_domain::person::Role;
use rollbook_domain::policy::Reader;
use rollbook_domain::{Actor, PersonId, SiteId};
use rollbook_projections::models::reader::reader;
use rollbook_store::Position;
use rollbook_store::tokens::{Bearer, TokenKind};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;

use crate::accounts::{AccountProblem, cookies, refuse_other_sites};
use crate::headers::single;
use crate::problem::ApiError;
use crate::state::AppState;

/// The site that a request is for.
#[derive(Clone, Copy, Debug)]
pub struct Site(pub SiteId);

impl FromRequestParts<AppState> for Site {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Ok(Self(state.site()))
    }
}

/// An active person with a valid token: enough to issue commands, whose rights the domain decides.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// The service.
    pub state: AppState,
    /// The site.
    pub site: SiteId,
    /// Who, as the log had them when the token was looked up, and its position then.
    pub bearer: Bearer,
}

impl Authenticated {
    /// The actor of a command.
    pub fn actor(&self) -> Actor {
        Actor::Person(self.bearer.person)
    }
}

impl FromRequestParts<AppState> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Site(site) = Site::from_request_parts(parts, state).await?;
        let presented = presented(&parts.headers)?;
        if presented.by_cookie {
            refuse_other_sites(&parts.method, &parts.headers)?;
        }
        let bearer = resolve(state, site, &presented.token).await?;
        within_scope(&bearer, parts)?;
        if bearer.state.active { Ok(Self { state: state.clone(), site, bearer }) } else { Err(INACTIVE) }
    }
}

/// Whom a token stands for now, whatever kind of token it is.
pub async fn resolve(state: &AppState, site: SiteId, token: &SecretString) -> Result<Bearer, ApiError> {
    let bearer = state.store().bearer(site, token.expose_secret(), state.now()).await?;
    bearer.ok_or(ApiError::Unauthenticated("this token is unknown, expired or revoked"))
}

/// Refuses what a key was not made for. Here, and not where it is asked: what is added later is closed to every key at first.
fn within_scope(bearer: &Bearer, parts: &Parts) -> Result<(), ApiError> {
    let Some(scope) = &bearer.scope else { return Ok(()) };
    let refused = |detail| Err(ApiError::Account(AccountProblem::OutOfScope(detail)));
    if scope.reads() {
        return match parts.method {
            Method::GET | Method::HEAD => Ok(()),
            _ => refused("this API key reads, and does nothing else"),
        };
    }
    let command = parts.uri.path().strip_prefix(COMMANDS);
    if command.is_some_and(|command| parts.method == Method::POST && scope.allows(command)) {
        Ok(())
    } else {
        refused("this API key issues the commands that it was made for, and does nothing else: it does not read either")
    }
}

/// Where commands are.
pub const COMMANDS: &str = "/v1/commands/";

/// A person who has signed in, or has a token from the command line: enough to change their own account. A program's key, and another
/// system's word, are not.
#[derive(Clone, Debug)]
pub struct Holder(pub Authenticated);

impl FromRequestParts<AppState> for Holder {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let who = Authenticated::from_request_parts(parts, state).await?;
        match who.bearer.kind {
            TokenKind::Session | TokenKind::Issued => Ok(Self(who)),
            TokenKind::ApiKey | TokenKind::External => Err(ApiError::Account(AccountProblem::OutOfScope(
                "accounts are for whoever has signed in here: not for API keys, nor for another system's token",
            ))),
        }
    }
}

/// Whoever may not act is told so before anything else is looked at.
const INACTIVE: ApiError = ApiError::Forbidden("the person whom this token stands for may not act");

/// What a request shows to say who it is from.
#[derive(Debug)]
pub struct Presented {
    /// The token.
    pub token: SecretString,
    /// Whether it came by itself, as cookies do.
    pub by_cookie: bool,
}

/// The presented token: the header's, and without a header the cookie's.
pub fn presented(headers: &HeaderMap) -> Result<Presented, ApiError> {
    let header = single(headers, AUTHORIZATION.as_str())
        .map_err(|_| ApiError::Unauthenticated("send one Authorization header"))?;
    let Some(header) = header else {
        let token = cookies::cookie(headers, cookies::SESSION)
            .ok_or(ApiError::Unauthenticated("send a token as Authorization: Bearer <token>, or sign in"))?;
        return Ok(Presented { token, by_cookie: true });
    };
    let token = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or(ApiError::Unauthenticated("send the token as Authorization: Bearer <token>"))?;
    Ok(Presented { token: token.into(), by_cookie: false })
}

/// An active person who reads, with everything that gives them a right to.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The service.
    pub state: AppState,
    /// The site.
    pub site: SiteId,
    /// Who, and their rights; ask only its methods.
    pub reader: Reader,
    /// The log's position when the request was authenticated.
    pub head: Position,
}

impl Caller {
    /// Where queries read.
    pub fn pool(&self) -> &PgPool {
        self.state.pool()
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    /// Roles and activity come from the log, with the token. Appointments and enrolments come from the read models, which must
    /// first have reached the log's position of this request: what was taken away has ended.
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Authenticated { site, bearer, state: _ } = Authenticated::from_request_parts(parts, state).await?;
        let reader = if is_admin(&bearer) {
            admin(bearer.person)
        } else {
            state.reached(bearer.head).await?;
            reader(state.pool(), site, bearer.person).await?.ok_or(INACTIVE)?
        };
        Ok(Self { state: state.clone(), site, reader, head: bearer.head })
    }
}

/// Whether a token's person may act, as an owner or an admin.
pub fn is_admin(bearer: &Bearer) -> bool {
    bearer.state.active && (bearer.state.is(Role::Owner) || bearer.state.is(Role::Admin))
}

fn admin(person: PersonId) -> Reader {
    Reader {
        person,
        admin: true,
        instructs: [].into(),
        marks: [].into(),
        coordinates: [].into(),
        enrolments: Vec::new(),
    }
}

/// A caller who is an owner or an admin.
#[derive(Clone, Debug)]
pub struct Admin(pub Caller);

impl FromRequestParts<AppState> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.reader.admin {
            Ok(Self(caller))
        } else {
            Err(ApiError::Forbidden("only an owner or an admin may read this"))
        }
    }
}

/// Who an operation is for: what the documentation says of it.
pub trait Audience: FromRequestParts<AppState, Rejection = ApiError> + Send + 'static {
    /// Whether only owners and admins are let in.
    const ADMINS_ONLY: bool;
}

impl Audience for Caller {
    const ADMINS_ONLY: bool = false;
}

impl Audience for Holder {
    const ADMINS_ONLY: bool = false;
}

impl Audience for Admin {
    const ADMINS_ONLY: bool = true;
}
