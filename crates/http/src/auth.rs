//! Who is asking: the person of a token, a session's cookie or another system's word, and what they may read. Rights come from the log and the policy, never from here.
//! A super admin comes in from the default site, with an owner's rights.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use rollbook_domain::account::SignInMethod;
use rollbook_domain::person::Role;
use rollbook_domain::policy::Reader;
use rollbook_domain::site::HostAdmits;
use rollbook_domain::{Actor, Command, PersonId, SiteId};
use rollbook_projections::models::reader::reader;
use rollbook_store::tokens::{Bearer, TokenKind};
use rollbook_store::{LogView, Position};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;

use crate::accounts::{AccountProblem, Lacks, cookies, is_left_out, lacks, refuse_other_sites, vouched_for};
use crate::headers::single;
use crate::limits::Shown;
use crate::operation::Audience;
use crate::problem::ApiError;
use crate::sites::Through;
use crate::state::AppState;
use crate::written::Writer;

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
    /// Whether they are a super admin: a person of the default site, whatever this one is.
    pub super_admin: bool,
    /// What they do nothing without. Nobody is let by with it but where that is said.
    lacks: Option<Lacks>,
    /// How they have come, where it was by a request.
    came: Option<Arc<Came>>,
}

/// How somebody has come in, to look at it again: what they ask for may take its time, and their right may end meanwhile.
#[derive(Debug)]
struct Came {
    token: SecretString,
    through: Option<Through>,
    may_lack: fn(Lacks) -> bool,
}

impl Authenticated {
    /// Whom a token stands for in a site; none if it is nobody who may come in. They need not be active. Whoever lacks a second factor
    /// is refused.
    pub async fn of(state: &AppState, token: &SecretString) -> Result<Option<Self>, ApiError> {
        let known = Self::known(state, token).await?;
        known.map(|who| who.lacking(|_| false)).transpose()
    }

    /// The same with what they lack.
    pub async fn known(state: &AppState, token: &SecretString) -> Result<Option<Self>, ApiError> {
        let Some(mut who) = Self::looked_up(state, token).await? else { return Ok(None) };
        let shown = (who.bearer.kind, who.bearer.second_factor);
        who.lacks = lacks(state, &who.bearer.state, shown, (who.super_admin, who.is_guest())).await?;
        Ok(Some(who))
    }

    /// Refuses what they lack, unless it is what they may lack.
    fn lacking(self, may: fn(Lacks) -> bool) -> Result<Self, ApiError> {
        match self.lacks {
            Some(lacks) if !may(lacks) => Err(lacks.into()),
            _ => Ok(self),
        }
    }

    /// What they do nothing without, if anything.
    pub fn lacks(&self) -> Option<Lacks> {
        self.lacks
    }

    async fn looked_up(state: &AppState, token: &SecretString) -> Result<Option<Self>, ApiError> {
        let (site, now, token) = (state.site(), state.now(), token.expose_secret());
        if let Some(bearer) = state.store().bearer(site, token, now).await? {
            if ended_with_passwords(state, site, &bearer).await? {
                return Ok(None);
            }
            let super_admin = site == SiteId::DEFAULT && state.super_admins().include(&bearer.state);
            return Ok(Some(Self { state: state.clone(), site, bearer, super_admin, lacks: None, came: None }));
        }
        if let Some(known) = vouched_for(state, site, token).await? {
            let bearer = state.store().vouched_for(known.person, known.state, known.second_factor).await?;
            return Ok(Some(Self { state: state.clone(), site, bearer, super_admin: false, lacks: None, came: None }));
        }
        if site == SiteId::DEFAULT {
            return Ok(None);
        }
        let Some(mut bearer) = state.super_admins().bearer(token, now).await? else { return Ok(None) };
        if ended_with_passwords(state, SiteId::DEFAULT, &bearer).await? {
            return Ok(None);
        }
        if state.has_own_database() {
            // The token was looked up in another log than the one that the site has.
            bearer.head = state.store().head().await?;
        }
        Ok(Some(Self { state: state.clone(), site, bearer, super_admin: true, lacks: None, came: None }))
    }

    /// The actor of a command. At home a super admin acts as the person they are, but for the sites themselves.
    pub fn actor(&self, command: &Command) -> Actor {
        if self.is_guest() || (self.super_admin && command.is_of_the_registry()) {
            Actor::SuperAdmin(self.bearer.person)
        } else {
            Actor::Person(self.bearer.person)
        }
    }

    /// Whether they are no person of this site.
    pub fn is_guest(&self) -> bool {
        self.super_admin && self.site != SiteId::DEFAULT
    }

    /// Refuses a guest what only a person of the site has.
    pub fn at_home(self) -> Result<Self, ApiError> {
        if self.is_guest() { Err(NOT_AT_HOME) } else { Ok(self) }
    }

    /// Whether they may act, as an owner or an admin.
    pub fn is_admin(&self) -> bool {
        let person = &self.bearer.state;
        person.active && (self.super_admin || person.is(Role::Owner) || person.is(Role::Admin))
    }

    /// As whom they write.
    pub fn writer(&self) -> Writer {
        Writer { site: self.site, person: self.bearer.person, is_admin: self.is_admin() }
    }

    /// How much of the site's log they may read, if they may read it: which schools there are is for super admins alone.
    pub fn log_view(&self) -> LogView {
        if self.super_admin { LogView::Whole } else { LogView::WithoutRegistry }
    }

    /// Refuses whoever comes in by a host that is for others.
    async fn may_use(&self, host: HostAdmits) -> Result<(), ApiError> {
        if host == HostAdmits::Everyone || (host == HostAdmits::Staff && self.is_admin()) {
            return Ok(());
        }
        let reader = if self.is_guest() { None } else { self.reader().await? };
        refuse_wrong_host(host, reader.as_ref())
    }

    /// What they may read by their appointments and enrolments: of read models that have first reached the log's position of
    /// this request, so that what was taken away has ended.
    async fn reader(&self) -> Result<Option<Reader>, ApiError> {
        self.state.caught_up(self.bearer.head).await?;
        Ok(reader(self.state.pool(), self.site, self.bearer.person).await?)
    }
}

/// Refuses whoever a host is not for; none is somebody with no part in the site.
pub fn refuse_wrong_host(host: HostAdmits, reader: Option<&Reader>) -> Result<(), ApiError> {
    let (let_in, others): (fn(&Reader) -> bool, _) = match host {
        HostAdmits::Everyone => return Ok(()),
        HostAdmits::Students => (|reader| !reader.enrolments.is_empty(), STUDENTS_ONLY),
        HostAdmits::Staff => (Reader::is_staff, STAFF_ONLY),
    };
    if reader.is_some_and(let_in) { Ok(()) } else { Err(others) }
}

/// Whether a session was begun with a password in a school that lets its person in by one no more.
async fn ended_with_passwords(state: &AppState, site: SiteId, bearer: &Bearer) -> Result<bool, ApiError> {
    let by_password = matches!(bearer.method, Some(SignInMethod::Password | SignInMethod::Invitation));
    Ok(by_password && is_left_out(state, site, &bearer.state).await?)
}

impl FromRequestParts<AppState> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Self::admitted(parts, state, |_| false).await
    }
}

impl Authenticated {
    /// Whoever asks, if they may at all, and lack nothing but what they may lack.
    async fn admitted(parts: &mut Parts, state: &AppState, may_lack: fn(Lacks) -> bool) -> Result<Self, ApiError> {
        let presented = presented(&parts.headers)?;
        if presented.by_cookie {
            refuse_other_sites(&parts.method, &parts.headers)?;
        }
        let who = Self::known(state, &presented.token).await?.ok_or(UNKNOWN)?;
        if let Some(shown) = parts.extensions.get::<Shown>() {
            shown.is_of(who.bearer.person);
        }
        within_scope(&who.bearer, parts)?;
        let came = Came { token: presented.token, through: parts.extensions.get().cloned(), may_lack };
        let who = who.let_in(Arc::new(came)).await?;
        // Whoever takes the body in looks at its sender again.
        parts.extensions.insert(Sender(who.clone()));
        Ok(who)
    }

    /// Whoever has come, if they may act here.
    async fn let_in(mut self, came: Arc<Came>) -> Result<Self, ApiError> {
        if !self.bearer.state.active {
            return Err(INACTIVE);
        }
        self.may_use(self.state.admits(came.through.as_ref())?).await?;
        self.came = Some(came.clone());
        self.lacking(came.may_lack)
    }

    /// The same as they are now, if they may still act here: after their body has come, or their turn.
    pub async fn again(&self) -> Result<Self, ApiError> {
        let Some(came) = &self.came else { return Ok(self.clone()) };
        let who = Self::known(&self.state, &came.token).await?.ok_or(UNKNOWN)?;
        who.let_in(came.clone()).await
    }

    /// Refuses whoever may not act here any more, or stands otherwise than when they were looked at: what is gone on with is what was
    /// known of them then.
    pub async fn still(&self) -> Result<(), ApiError> {
        let now = self.again().await?;
        let (before, after) = (&self.bearer.state, &now.bearer.state);
        let stands = now.super_admin == self.super_admin
            && (&after.roles, after.epochs, &after.second_factors)
                == (&before.roles, before.epochs, &before.second_factors);
        if stands { Ok(()) } else { Err(OTHERWISE) }
    }
}

/// Whose request it is, for whoever takes in its body: a request has it from when somebody was let in by it.
#[derive(Clone, Debug)]
pub struct Sender(pub Authenticated);

/// Nobody is known by this, or is any more.
const UNKNOWN: ApiError = ApiError::Unauthenticated("this token is unknown, expired or revoked");

/// What somebody hears whose rights changed while their request was on its way.
const OTHERWISE: ApiError = ApiError::Forbidden("your rights have changed while this came in; send it again");

const STUDENTS_ONLY: ApiError = ApiError::WrongHost("this host is for students; use the one for staff");
const STAFF_ONLY: ApiError = ApiError::WrongHost("this host is for staff; use the one for students");

/// What a super admin hears who asks for something of their own where they are a guest.
const NOT_AT_HOME: ApiError = ApiError::Forbidden(
    "you are here as a super admin and have nothing of your own here; ask on the default site's host",
);

/// Whoever may not act is told so before anything else is looked at.
const INACTIVE: ApiError = ApiError::Forbidden("the person whom this token stands for may not act");

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
const COMMANDS: &str = "/v1/commands/";

/// A person of this site who has signed in, or has a token from the command line: enough to change their own account. A program's
/// key, and another system's word, are not.
#[derive(Clone, Debug)]
pub struct Holder(pub Authenticated);

impl FromRequestParts<AppState> for Holder {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let who = Authenticated::from_request_parts(parts, state).await?;
        refuse_programs(&who.bearer)?;
        Ok(Self(who.at_home()?))
    }
}

/// The same, also where they have yet to set up a second factor: what that takes is for them, and nothing else.
#[derive(Clone, Debug)]
pub struct SetsUp(pub Authenticated);

impl FromRequestParts<AppState> for SetsUp {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let who = Authenticated::admitted(parts, state, |lacks| lacks == Lacks::SecondFactor).await?;
        refuse_programs(&who.bearer)?;
        Ok(Self(who.at_home()?))
    }
}

/// The same, whatever they lack: whoever goes is let go.
#[derive(Clone, Debug)]
pub struct Leaves(pub Authenticated);

impl FromRequestParts<AppState> for Leaves {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let who = Authenticated::admitted(parts, state, |_| true).await?;
        refuse_programs(&who.bearer)?;
        Ok(Self(who.at_home()?))
    }
}

/// Refuses what acts for a person without the person.
pub fn refuse_programs(bearer: &Bearer) -> Result<(), ApiError> {
    match bearer.kind {
        TokenKind::Session | TokenKind::Issued => Ok(()),
        TokenKind::ApiKey | TokenKind::External => Err(ApiError::Account(AccountProblem::OutOfScope(
            "accounts are for whoever has signed in here: not for API keys, nor for another system's token",
        ))),
    }
}

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
    /// The holder of the token.
    pub who: Authenticated,
}

impl Caller {
    /// Roles and activity come from the log, with the token, appointments and enrolments from the read models.
    async fn of(who: Authenticated) -> Result<Self, ApiError> {
        let reader = if who.is_admin() { admin(who.bearer.person) } else { who.reader().await?.ok_or(INACTIVE)? };
        Ok(Self { state: who.state.clone(), site: who.site, reader, head: who.bearer.head, who })
    }

    /// The same as they are now, if they may still act here.
    pub async fn again(&self) -> Result<Self, ApiError> {
        Self::of(self.who.again().await?).await
    }

    /// Where queries read.
    pub fn pool(&self) -> &PgPool {
        self.state.pool()
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Self::of(Authenticated::from_request_parts(parts, state).await?).await
    }
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
            Err(ApiError::Forbidden("only an owner or an admin may do this"))
        }
    }
}

/// A caller who looks after the database as a whole: a super admin; and an owner of the default site for as long as there has never
/// been another, closed ones too.
#[derive(Clone, Debug)]
pub struct Operator(pub Caller);

impl FromRequestParts<AppState> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Admin(caller) = Admin::from_request_parts(parts, state).await?;
        let owner = caller.site == SiteId::DEFAULT && caller.who.bearer.state.is(Role::Owner);
        // Asked of the claims, which are there in the moment in which a site is.
        if caller.who.super_admin || (owner && !state.store().has_other_sites().await?) {
            Ok(Self(caller))
        } else {
            Err(ApiError::Forbidden(
                "the read models are of all schools: super admins look after them, or the owner of the only one",
            ))
        }
    }
}

/// A super admin, on a host of the default site; elsewhere there is nothing of the kind.
#[derive(Clone, Debug)]
pub struct SuperAdmin(pub Caller);

impl FromRequestParts<AppState> for SuperAdmin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.site != SiteId::DEFAULT {
            Err(ApiError::NotFound("there is nothing at this path".to_owned()))
        } else if caller.who.super_admin {
            Ok(Self(caller))
        } else {
            Err(ApiError::Forbidden("only super admins of the installation may read this"))
        }
    }
}

/// Who an operation is for: what the documentation says of it.
pub trait HasAudience: FromRequestParts<AppState, Rejection = ApiError> + Send + 'static {
    /// Whom it lets in.
    const AUDIENCE: Audience;
}

impl HasAudience for Caller {
    const AUDIENCE: Audience = Audience::Bearers;
}

impl HasAudience for Holder {
    const AUDIENCE: Audience = Audience::Bearers;
}

impl HasAudience for SetsUp {
    const AUDIENCE: Audience = Audience::Bearers;
}

impl HasAudience for Admin {
    const AUDIENCE: Audience = Audience::Admins;
}

impl HasAudience for Operator {
    const AUDIENCE: Audience = Audience::Admins;
}

impl HasAudience for SuperAdmin {
    const AUDIENCE: Audience = Audience::SuperAdmins;
}
