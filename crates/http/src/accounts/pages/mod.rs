//! The pages of a browser that signs in: forms of plain HTML, which need no script and load nothing from elsewhere. What they decide
//! is what the operations decide; a form's refusal is the same words on the same page.
//!
//! An invitation's secret comes in the address's fragment, which no browser sends to anybody. A few lines of script put it into the
//! form; without scripts it is pasted there. So it is in no log and no Referer, and leaves the browser in the form's body alone.

mod forms;
mod layout;
mod second_factor;

use axum::Router;
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use rollbook_domain::text::Email;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::layout::page;
use super::invitations::accept;
use super::oidc;
use super::origin::refuse_other_sites;
use super::passwords::ask_for_reset;
use super::second_factor::required::Lacks;
use super::session::{Begun, Entered, enter};
use super::sessions::sign_out;
use super::sign_in::let_in;
use super::{cookies, next};
use crate::auth::{Authenticated, Leaves, Site};
use crate::client_address::ClientAddress;
use crate::headers::single;
use crate::in_flight::received;
use crate::layers;
use crate::operation::{Operation, Success, open};
use crate::problem::ApiError;
use crate::processor::Kind;
use crate::state::AppState;

pub use self::second_factor::address as second_factor;

/// The pages.
pub fn operations() -> Vec<Operation> {
    let mut operations = vec![
        open("sign_in_page", "/sign-in", "The page to sign in", HTML, get(sign_in)),
        open("invitation_page", "/invitation", "The page to set a password by a link", HTML, get(invitation)),
        open("password_reset_page", "/password-reset", "The page for a forgotten password", HTML, get(password_reset)),
    ];
    operations.extend(second_factor::operations());
    operations
}

const HTML: Success = Success::Other("text/html");

/// What the pages are made of and send, which are no operations.
pub fn parts() -> Router<AppState> {
    let forms = Router::new()
        .route("/sign-in", post(signing_in))
        .route("/sign-out", post(signing_out))
        .route("/invitation", post(accepting))
        .route("/password-reset", post(resetting))
        .merge(second_factor::forms())
        .layer(from_fn_with_state(Kind::Change, layers::in_time));
    forms
        .route("/accounts.css", get(layout::style))
        .route("/invitation.js", get(layout::script))
        .route("/passkey.js", get(layout::passkey_script))
}

/// Where somebody goes once they have signed in.
#[derive(Debug, Default, Deserialize)]
struct Going {
    #[serde(default)]
    next: String,
}

async fn sign_in(
    State(state): State<AppState>,
    Query(Going { next }): Query<Going>,
    who: Result<Leaves, ApiError>,
) -> Response {
    if let Ok(Leaves(who)) = who
        && who.lacks() != Some(Lacks::Showing)
    {
        let (name, must_set_up) = (who.bearer.state.display_name(), who.lacks().is_some());
        return page(StatusCode::OK, "Signed in", &forms::signed_in(name, must_set_up));
    }
    let form = forms::sign_in("", next::of_this_site(&next), None, oidc::named(&state));
    page(StatusCode::OK, "Sign in", &form)
}

async fn invitation() -> Response {
    page(StatusCode::OK, "Set your password", &forms::invitation(None))
}

async fn password_reset() -> Response {
    page(StatusCode::OK, "Forgotten password", &forms::password_reset(None))
}

/// A form's fields, from one of this site's own pages.
struct Form<T>(T);

impl<T: DeserializeOwned> FromRequest<AppState> for Form<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, ApiError> {
        // Nobody is to be signed in as somebody else by a page of another site, either.
        refuse_other_sites(&Method::POST, request.headers())?;
        let media = single(request.headers(), CONTENT_TYPE.as_str())?.unwrap_or_default();
        if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(ApiError::WrongMedia("application/x-www-form-urlencoded"));
        }
        let whole = received(request).await.map_err(|error| error.or(ApiError::TooLarge))?;
        serde_urlencoded::from_bytes(&whole.bytes)
            .map(Self)
            .map_err(|_| ApiError::BrokenOff("the form's fields cannot be read".to_owned()))
    }
}

#[derive(Deserialize)]
struct SignInForm {
    email: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

async fn signing_in(
    State(state): State<AppState>,
    Site(site): Site,
    client: ClientAddress,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Result<Response, ApiError> {
    let device = cookies::cookie(&headers, cookies::DEVICE);
    let begun = async {
        let entrant = let_in(&state, site, client, (&form.email, &form.password), device).await?;
        enter(&state, site, entrant).await
    };
    match begun.await {
        Ok(entered) => go_on(&state, &entered, &form.next).await,
        Err(problem) => Ok(refused(problem, "Sign in", |why| {
            forms::sign_in(&form.email, next::of_this_site(&form.next), Some(why), oidc::named(&state))
        })),
    }
}

/// The page to sign in again, for whoever came back from another system and is not let in.
pub fn not_let_in(problem: ApiError) -> Response {
    refused(problem, "Sign in", forms::again)
}

/// Sends the browser on with its cookies: to show a second factor, if there is one.
async fn go_on(state: &AppState, entered: &Entered, next: &str) -> Result<Response, ApiError> {
    match entered {
        Entered::Begun(begun) => let_go(state, begun, next).await,
        Entered::Half(half) => {
            let there = [(LOCATION, second_factor::address(next)?)];
            Ok((StatusCode::SEE_OTHER, half.cookies()?, there).into_response())
        }
    }
}

/// Sends the browser on with its cookies: to set up a second factor, where there must be one.
async fn let_go(state: &AppState, begun: &Begun, next: &str) -> Result<Response, ApiError> {
    let who = Authenticated::known(state, begun.token()).await?;
    let must_set_up = who.is_some_and(|who| who.lacks().is_some());
    let next = if must_set_up { second_factor::SET_UP } else { next::of_this_site(next) };
    Ok((begun.cookies(true)?, to(next)).into_response())
}

/// Sends the browser to a path of this site.
fn to(path: &str) -> Response {
    let path = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static(next::HOME));
    (StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response()
}

/// The page again, saying why.
fn refused(problem: ApiError, title: &str, form: impl FnOnce(&str) -> maud::Markup) -> Response {
    let said = problem.problem().detail;
    let mut response = problem.into_response();
    let again = page(response.status(), title, &form(&said));
    // What the problem says in its headers stays, such as when to try again.
    let (parts, body) = again.into_parts();
    response.headers_mut().extend(parts.headers);
    *response.body_mut() = body;
    response
}

async fn signing_out(State(state): State<AppState>, Leaves(who): Leaves) -> Result<Response, ApiError> {
    sign_out(&state, &who).await?;
    Ok((cookies::headers([cookies::unset(cookies::SESSION)?]), to(next::HOME)).into_response())
}

#[derive(Deserialize)]
struct InvitationForm {
    secret: SecretString,
    password: SecretString,
}

async fn accepting(
    State(state): State<AppState>,
    Site(site): Site,
    client: ClientAddress,
    headers: HeaderMap,
    Form(form): Form<InvitationForm>,
) -> Result<Response, ApiError> {
    let device = cookies::cookie(&headers, cookies::DEVICE);
    let secret = forms::pasted(&form.secret);
    match accept(&state, site, client, (&secret, &form.password), device).await {
        Ok(entered) => go_on(&state, &entered, next::HOME).await,
        Err(problem) => Ok(refused(problem, "Set your password", |why| forms::invitation(Some(why)))),
    }
}

#[derive(Deserialize)]
struct ResetForm {
    email: String,
}

async fn resetting(
    State(state): State<AppState>,
    Site(site): Site,
    client: ClientAddress,
    Form(form): Form<ResetForm>,
) -> Result<Response, ApiError> {
    let title = "Forgotten password";
    let Ok(email) = Email::try_new(&form.email) else {
        let form = forms::password_reset(Some("that is no email address"));
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, title, &form));
    };
    match ask_for_reset(&state, site, client, &email).await {
        Ok(()) => Ok(page(StatusCode::ACCEPTED, title, &forms::reset_asked())),
        Err(problem) => Ok(refused(problem, title, |why| forms::password_reset(Some(why)))),
    }
}
