//! The pages of second factors: shown to end signing in, set up, and removed. Codes need no script; for passkeys, which are the
//! browser's, a script puts what it gives into a form. It asks nobody anything: what it needs is in the page.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use rollbook_domain::person::SecondFactorKind;
use rollbook_domain::text::Name;
use rollbook_domain::{Personal, SiteId};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::forms::problem;
use super::layout::page;
use super::{Form, Going, HTML, let_go, refused, to};
use crate::accounts::second_factor::half::{Shown, end, given_or_cookie};
use crate::accounts::second_factor::passkeys::{self, PasskeyMade, RelyingParty};
use crate::accounts::second_factor::set_up::{Added, AppAsked, AppSecret, FirstCode, begin, confirm};
use crate::accounts::second_factor::{Proof, SecondFactors, listed, remove};
use crate::accounts::{cookies, next};
use crate::auth::{Authenticated, Holder, SetsUp, Site};
use crate::client_address::ClientAddress;
use crate::operation::{Operation, open};
use crate::problem::{ApiError, FieldError};
use crate::state::AppState;

/// Where second factors are set up.
pub const SET_UP: &str = "/second-factors";
/// Where one is shown.
const SHOW: &str = "/second-factor";
const SHOWING: &str = "Second factor";
const SETTING_UP: &str = "Second factors";

/// The pages.
pub fn operations() -> Vec<Operation> {
    vec![
        open("second_factor_page", SHOW, "The page to show a second factor to end signing in", HTML, get(showing)),
        open("second_factors_page", SET_UP, "The page to set up and remove second factors", HTML, get(setting_up)),
    ]
}

/// What the pages send.
pub fn forms() -> Router<AppState> {
    Router::new()
        .route(SHOW, post(shown))
        .route("/second-factors/app", post(app_begun))
        .route("/second-factors/app/confirm", post(app_confirmed))
        .route("/second-factors/passkey", post(passkey_begun))
        .route("/second-factors/passkey/confirm", post(passkey_confirmed))
        .route("/second-factors/removal", post(removed))
}

/// Where a browser goes to show a second factor, and then on.
pub fn address(next: &str) -> Result<HeaderValue, ApiError> {
    let next: String = form_urlencoded::byte_serialize(next::of_this_site(next).as_bytes()).collect();
    HeaderValue::try_from(format!("{SHOW}?next={next}")).map_err(|error| ApiError::internal(&error))
}

async fn showing(
    State(state): State<AppState>,
    Site(site): Site,
    rp: Option<RelyingParty>,
    Query(Going { next }): Query<Going>,
    headers: HeaderMap,
) -> Response {
    let options = challenge(&state, site, rp.as_ref(), &headers).await;
    page(StatusCode::OK, SHOWING, &show_form(next::of_this_site(&next), options.as_ref(), None))
}

/// What a passkey is to be shown by, if there is one: where there is not, or nothing waits for it, the form is for codes alone.
async fn challenge(state: &AppState, site: SiteId, rp: Option<&RelyingParty>, headers: &HeaderMap) -> Option<Value> {
    let half = cookies::cookie(headers, cookies::HALF)?;
    match passkeys::challenge(state, site, rp?, &half).await {
        Ok(options) => options,
        Err(problem) => {
            tracing::debug!(code = problem.code(), "no passkey is asked for");
            None
        }
    }
}

fn show_form(next: &str, passkey: Option<&Value>, why: Option<&str>) -> Markup {
    html! {
        (problem(why))
        form method="post" action=(SHOW) {
            input type="hidden" name="next" value=(next);
            label for="code" { "The code of your app, or a recovery code" }
            input id="code" name="code" type="text" autocomplete="one-time-code" autocapitalize="characters"
                spellcheck="false" required;
            button type="submit" { "Go on" }
        }
        @if let Some(options) = passkey {
            form.passkey method="post" action=(SHOW) data-get=(options) hidden {
                input type="hidden" name="next" value=(next);
                input type="hidden" name="passkey";
                button type="submit" { "Use a passkey" }
            }
            script src="/passkey.js" defer {}
        }
        p { a href="/sign-in" { "Begin again" } }
    }
}

#[derive(Deserialize)]
struct ShownForm {
    #[serde(default)]
    code: SecretString,
    #[serde(default)]
    passkey: String,
    #[serde(default)]
    next: String,
}

async fn shown(
    State(state): State<AppState>,
    Site(site): Site,
    rp: Option<RelyingParty>,
    client: ClientAddress,
    headers: HeaderMap,
    Form(form): Form<ShownForm>,
) -> Result<Response, ApiError> {
    let device = cookies::cookie(&headers, cookies::DEVICE);
    let ended = async {
        let half = given_or_cookie(None, &headers)?;
        let shown = match form.passkey.as_str() {
            "" => Shown::Code(form.code),
            passkey => Shown::Passkey(written(passkey)?),
        };
        end(&state, site, (client, rp.as_ref()), (&half, &shown), device).await
    };
    match ended.await {
        Ok(begun) => let_go(&state, &begun, &form.next).await,
        Err(problem) => {
            let options = challenge(&state, site, rp.as_ref(), &headers).await;
            Ok(refused(problem, SHOWING, |why| show_form(next::of_this_site(&form.next), options.as_ref(), Some(why))))
        }
    }
}

/// What a script has put into a form.
fn written(field: &str) -> Result<Value, ApiError> {
    serde_json::from_str(field).map_err(|_| ApiError::BrokenOff("the form's fields cannot be read".to_owned()))
}

async fn setting_up(who: Result<SetsUp, ApiError>) -> Result<Response, ApiError> {
    let Ok(SetsUp(who)) = who else { return Ok(to("/sign-in?next=/second-factors")) };
    Ok(page(StatusCode::OK, SETTING_UP, &overview(&listed(&who).await?, None)))
}

/// What somebody has, and what they can do about it.
fn overview(listed: &SecondFactors, why: Option<&str>) -> Markup {
    let has = !listed.items.is_empty();
    html! {
        (problem(why))
        @if listed.required && !has {
            p { "You must have a second factor here. Until you have set one up, nothing else is open to you." }
        }
        @for item in &listed.items {
            h2 { (item.name.as_str()) }
            p { (called(item.kind)) ", since " (item.added_at.format("%Y-%m-%d")) "." }
            form method="post" action="/second-factors/removal" {
                input type="hidden" name="factor_id" value=(item.factor_id);
                (proof_fields(&item.factor_id.to_string(), has))
                button type="submit" { "Remove it" }
            }
        }
        @if has { p { "Recovery codes left: " (listed.recovery_codes_left) "." } }
        h2 { @if has { "Another app" } @else { "An app with codes" } }
        form method="post" action="/second-factors/app" {
            (proof_fields("app", has))
            button type="submit" { "Set up an app" }
        }
        h2 { "A passkey or security key" }
        form method="post" action="/second-factors/passkey" {
            (proof_fields("passkey", has))
            button type="submit" { "Add a passkey" }
        }
    }
}

fn called(kind: SecondFactorKind) -> &'static str {
    match kind {
        SecondFactorKind::Totp => "An app with codes",
        SecondFactorKind::Passkey => "A passkey",
    }
}

/// Where somebody shows that it is them.
fn proof_fields(of: &str, has: bool) -> Markup {
    html! {
        label for={ "password-" (of) } { "Your password" }
        input id={ "password-" (of) } name="password" type="password" autocomplete="current-password";
        @if has {
            label for={ "code-" (of) } { "Or a code" }
            input id={ "code-" (of) } name="code" type="text" autocomplete="one-time-code" spellcheck="false";
        }
    }
}

#[derive(Deserialize)]
struct ProofForm {
    #[serde(default)]
    factor_id: Uuid,
    #[serde(default)]
    password: SecretString,
    #[serde(default)]
    code: SecretString,
}

impl ProofForm {
    /// What was filled in.
    fn proof(self) -> Proof {
        let filled = |text: SecretString| Some(text).filter(|text| !text.expose_secret().is_empty());
        Proof { password: filled(self.password), code: filled(self.code) }
    }
}

async fn app_begun(
    State(state): State<AppState>,
    SetsUp(who): SetsUp,
    client: ClientAddress,
    Form(form): Form<ProofForm>,
) -> Result<Response, ApiError> {
    let Proof { password, code } = form.proof();
    match begin(&state, &who, client, AppAsked { name: None, password, code }).await {
        Ok(begun) => Ok(page(StatusCode::OK, SETTING_UP, &secret_form(&begun))),
        Err(problem) => refused_to(&who, problem).await,
    }
}

/// The page of what somebody has, saying why nothing was done.
async fn refused_to(who: &Authenticated, problem: ApiError) -> Result<Response, ApiError> {
    let listed = listed(who).await?;
    Ok(refused(problem, SETTING_UP, |why| overview(&listed, Some(why))))
}

fn secret_form(begun: &AppSecret) -> Markup {
    html! {
        p { "Type this into your app, or " a href=(begun.uri) { "open it there" } "." }
        p { code { (begun.secret) } }
        (first_code_form(begun.factor_id, None))
    }
}

fn first_code_form(factor_id: Uuid, why: Option<&str>) -> Markup {
    html! {
        (problem(why))
        form method="post" action="/second-factors/app/confirm" {
            input type="hidden" name="factor_id" value=(factor_id);
            label for="code" { "The code that it shows now" }
            input id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" required;
            button type="submit" { "Turn it on" }
        }
        p { a href=(SET_UP) { "Back" } }
    }
}

async fn passkey_begun(
    State(state): State<AppState>,
    SetsUp(who): SetsUp,
    rp: RelyingParty,
    client: ClientAddress,
    Form(form): Form<ProofForm>,
) -> Result<Response, ApiError> {
    match passkeys::begin(&state, &who, &rp, client, &form.proof()).await {
        Ok(options) => Ok(page(StatusCode::OK, SETTING_UP, &passkey_form(&options))),
        Err(problem) => refused_to(&who, problem).await,
    }
}

/// Passkeys are the browser's, which asks for them by a script alone.
fn passkey_form(options: &Value) -> Markup {
    html! {
        noscript { p { "Passkeys need scripts. Without them, set up an app with codes." } }
        form.passkey method="post" action="/second-factors/passkey/confirm" data-create=(options) hidden {
            label for="name" { "What you call it" }
            input id="name" name="name" type="text" autocomplete="off" required value="Passkey";
            input type="hidden" name="passkey";
            button type="submit" { "Make it now" }
        }
        script src="/passkey.js" defer {}
        p { a href=(SET_UP) { "Back" } }
    }
}

#[derive(Deserialize)]
struct PasskeyForm {
    name: String,
    passkey: String,
}

async fn passkey_confirmed(
    State(state): State<AppState>,
    SetsUp(who): SetsUp,
    rp: RelyingParty,
    Form(PasskeyForm { name, passkey }): Form<PasskeyForm>,
) -> Result<Response, ApiError> {
    let added = async {
        let name = Name::try_new(&name)
            .map_err(|error| ApiError::Invalid(vec![FieldError::body("/name", error.to_string())]))?;
        let made = PasskeyMade { name: Some(Personal::new(name)), credential: written(&passkey)? };
        passkeys::confirm(&state, &who, &rp, made).await
    };
    match added.await {
        Ok(added) => Ok(page(StatusCode::OK, SETTING_UP, &done(&added))),
        Err(problem) => refused_to(&who, problem).await,
    }
}

#[derive(Deserialize)]
struct FirstCodeForm {
    factor_id: Uuid,
    code: SecretString,
}

async fn app_confirmed(
    State(state): State<AppState>,
    SetsUp(who): SetsUp,
    Form(FirstCodeForm { factor_id, code }): Form<FirstCodeForm>,
) -> Response {
    match confirm(&state, &who, FirstCode { factor_id, code }).await {
        Ok(added) => page(StatusCode::OK, SETTING_UP, &done(&added)),
        Err(problem) => refused(problem, SETTING_UP, |why| first_code_form(factor_id, Some(why))),
    }
}

fn done(added: &Added) -> Markup {
    html! {
        p role="status" { "It is on: from now on you are asked for it." }
        @if let Some(codes) = &added.recovery_codes {
            p { "Keep these codes where nobody finds them and you do. Each lets you in once without your app. They are shown this once." }
            ul { @for code in codes { li { code { (code) } } } }
        }
        p { a href="/sign-in" { "Go on" } }
    }
}

async fn removed(
    State(state): State<AppState>,
    Holder(who): Holder,
    client: ClientAddress,
    Form(form): Form<ProofForm>,
) -> Result<Response, ApiError> {
    let factor = form.factor_id;
    match remove(&state, &who, factor, client, &form.proof()).await {
        Ok(()) => Ok(to(SET_UP)),
        Err(problem) => refused_to(&who, problem).await,
    }
}
