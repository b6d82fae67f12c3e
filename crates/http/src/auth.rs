//! Who is asking: a bearer token's person, and what they may read. Rights come from the log and the policy, never from here.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use rollbook_domain::person::Role;
use rollbook_domain::policy::Reader;
use rollbook_domain::{Actor, PersonId, SiteId};
use rollbook_projections::models::reader::reader;
use rollbook_store::Position;
use rollbook_store::tokens::Bearer;
use sqlx::PgPool;

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
        let token = token(&parts.headers)?;
        let bearer = state.store().bearer(site, token, state.now()).await?;
        let bearer = bearer.ok_or(ApiError::Unauthenticated("this token is unknown, expired or revoked"))?;
        if bearer.state.active { Ok(Self { site, bearer }) } else { Err(INACTIVE) }
    }
}

/// Whoever may not act is told so before anything else is looked at.
const INACTIVE: ApiError = ApiError::Forbidden("the person whom this token stands for may not act");

/// The presented token.
pub fn token(headers: &HeaderMap) -> Result<&str, ApiError> {
    let header = single(headers, AUTHORIZATION.as_str())
        .map_err(|_| ApiError::Unauthenticated("send one Authorization header"))?
        .ok_or(ApiError::Unauthenticated("send a token as Authorization: Bearer <token>"))?;
    header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or(ApiError::Unauthenticated("send the token as Authorization: Bearer <token>"))
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
        let Authenticated { site, bearer } = Authenticated::from_request_parts(parts, state).await?;
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

impl Audience for Admin {
    const ADMINS_ONLY: bool = true;
}
