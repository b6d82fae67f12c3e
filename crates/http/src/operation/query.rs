//! Queries with one answer and queries with a list of items, of now or of a moment of the past.

use std::future::Future;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, LINK, VARY};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rollbook_projections::{Page, Paged};
use rollbook_store::Position;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Filter, Item, Operation, Success, inline, position_header, schema, whom};
use crate::address::{Address, At};
use crate::as_of::{AsOfAsked, When};
use crate::asked::{Asked, AtLeast, Formatted, PageAsked};
use crate::auth::Audience;
use crate::csv;
use crate::openapi::SchemaOf;
use crate::problem::ApiError;
use crate::state::AppState;

/// A query with one answer.
pub fn one<A, P, Q, T, F, Fut>(id: &'static str, path: &str, summary: &str, handler: F) -> Operation
where
    A: Audience,
    P: Address + 'static,
    Q: Filter + 'static,
    T: Serialize + JsonSchema,
    F: Fn(A, P, Q) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<T, ApiError>> + Send,
{
    single(id, path, summary, false, move |caller, at, filter, _| handler(caller, at, filter))
}

/// A query with one answer, which can be asked of the past.
pub fn one_as_of<A, P, Q, T, F, Fut>(id: &'static str, path: &str, summary: &str, handler: F) -> Operation
where
    A: Audience,
    P: Address + 'static,
    Q: Filter + 'static,
    T: Serialize + JsonSchema,
    F: Fn(A, P, Q, When) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<T, ApiError>> + Send,
{
    single(id, path, summary, true, handler)
}

/// A query with a list of items, page by page.
pub fn list<A, P, Q, I, F, Fut>(id: &'static str, path: &str, summary: &str, handler: F) -> Operation
where
    A: Audience,
    P: Address + 'static,
    Q: Filter + 'static,
    I: Item,
    F: Fn(A, P, Q, Page) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Paged<I>, ApiError>> + Send,
{
    pages(id, path, summary, false, move |caller, at, filter, page, _| handler(caller, at, filter, page))
}

/// A query with a list of items, which can be asked of the past.
pub fn list_as_of<A, P, Q, I, F, Fut>(id: &'static str, path: &str, summary: &str, handler: F) -> Operation
where
    A: Audience,
    P: Address + 'static,
    Q: Filter + 'static,
    I: Item,
    F: Fn(A, P, Q, Page, When) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Paged<I>, ApiError>> + Send,
{
    pages(id, path, summary, true, handler)
}

fn single<A, P, Q, T, F, Fut>(id: &'static str, path: &str, summary: &str, past: bool, handler: F) -> Operation
where
    A: Audience,
    P: Address + 'static,
    Q: Filter + 'static,
    T: Serialize + JsonSchema,
    F: Fn(A, P, Q, When) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<T, ApiError>> + Send,
{
    let answer = async move |State(state): State<AppState>, caller: A, At(at): At<P>, mut asked: Asked| {
        let moment = Asking::read(&mut asked, past)?;
        let filter = asked.filter()?;
        let (position, when) = moment.settled(&state).await?;
        let answer = handler(caller, at, filter, when).await?;
        Ok::<_, ApiError>((position_header(position), Json(answer)).into_response())
    };
    Operation {
        id,
        method: "get",
        path: path.to_owned(),
        summary: summary.to_owned(),
        audience: whom::<A>(),
        address: P::SCHEMAS,
        query: parameters::<Q>(past, &[]),
        headers: &[],
        command: None,
        success: Success::Json(schema::<T>()),
        patient: false,
        route: get(answer),
    }
}

fn pages<A, P, Q, I, F, Fut>(id: &'static str, path: &str, summary: &str, past: bool, handler: F) -> Operation
where
    A: Audience,
    P: Address + 'static,
    Q: Filter + 'static,
    I: Item,
    F: Fn(A, P, Q, Page, When) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Paged<I>, ApiError>> + Send,
{
    let csv = !I::COLUMNS.is_empty();
    let answer = async move |State(state): State<AppState>, uri: Uri, caller: A, At(at): At<P>, mut asked: Asked| {
        let moment = Asking::read(&mut asked, past)?;
        let PageAsked { limit, after } = asked.page()?;
        let csv = csv && asked.csv()?;
        let filter = asked.filter()?;
        let (position, when) = moment.settled(&state).await?;
        let page = handler(caller, at, filter, Page { limit: limit.get(), after }, when).await?;
        Ok::<_, ApiError>((position_header(position), page_answer(&page, csv, &uri)?).into_response())
    };
    let formats: &[SchemaOf] = if csv { &[inline::<PageAsked>, inline::<Formatted>] } else { &[inline::<PageAsked>] };
    Operation {
        id,
        method: "get",
        path: path.to_owned(),
        summary: summary.to_owned(),
        audience: whom::<A>(),
        address: P::SCHEMAS,
        query: parameters::<Q>(past, formats),
        headers: &[],
        command: None,
        success: Success::Page { item: schema::<I>(), csv },
        patient: false,
        route: get(answer),
    }
}

fn parameters<Q: Filter>(past: bool, others: &[SchemaOf]) -> Vec<SchemaOf> {
    let mut parameters: Vec<SchemaOf> = vec![inline::<AtLeast>];
    parameters.extend(past.then_some(inline::<AsOfAsked> as SchemaOf));
    parameters.extend(others);
    parameters.push(inline::<Q>);
    parameters
}

/// What a request says about the moment that it asks for.
struct Asking {
    at_least: Option<Position>,
    as_of: AsOfAsked,
}

impl Asking {
    fn read(asked: &mut Asked, past: bool) -> Result<Self, ApiError> {
        let at_least = asked.at_least()?;
        let as_of = if past { asked.as_of()? } else { AsOfAsked { as_of: None } };
        Ok(Self { at_least, as_of })
    }

    /// Waits until it can be answered; the position that the answer is of.
    async fn settled(self, state: &AppState) -> Result<(Position, When), ApiError> {
        let now = state.read_at(self.at_least).await?;
        let Some(as_of) = self.as_of.as_of else { return Ok((now, When::Now)) };
        let then = state.moment(as_of).await?;
        Ok((then, When::Then(then)))
    }
}

/// A page in the form that was asked for. As CSV it names the next page in `Link` (RFC 8288), having no other place.
fn page_answer<I: Item>(page: &Paged<I>, as_csv: bool, uri: &Uri) -> Result<Response, ApiError> {
    let mut headers = HeaderMap::new();
    if !I::COLUMNS.is_empty() {
        headers.insert(VARY, HeaderValue::from_static("accept"));
    }
    if !as_csv {
        return Ok((headers, Json(page)).into_response());
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(csv::MEDIA_TYPE));
    if let Some(next) = &page.next {
        let link = format!("<{}>; rel=\"next\"", following(uri, next)?);
        headers.insert(LINK, HeaderValue::try_from(link).map_err(|error| ApiError::internal(&error))?);
    }
    Ok((headers, csv::write(I::COLUMNS, &page.items)?).into_response())
}

/// The same address with another cursor.
fn following(uri: &Uri, after: &str) -> Result<String, ApiError> {
    let query = uri.query().unwrap_or_default().as_bytes();
    let mut pairs: Vec<_> = form_urlencoded::parse(query).filter(|(name, _)| name != "after").collect();
    pairs.push(("after".into(), after.into()));
    let query = serde_urlencoded::to_string(pairs).map_err(|error| ApiError::internal(&error))?;
    Ok(format!("{}?{query}", uri.path()))
}
