//! Queries with one answer and queries with a list of items, of now or of a moment of the past.

use std::future::Future;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::IntoResponse;
use axum::routing::get;
use rollbook_projections::{Page, Paged};
use rollbook_store::Position;
use schemars::JsonSchema;
use serde::Serialize;

use super::page::page_answer;
use super::{Filter, Item, Operation, Success, audience_of, inline, position_header, schema};
use crate::address::{Address, At};
use crate::as_of::{AsOfAsked, When};
use crate::auth::HasAudience;
use crate::openapi::SchemaOf;
use crate::problem::ApiError;
use crate::query_params::{AtLeast, PageParams, QueryParams};
use crate::response_format::{Form, Formatted};
use crate::state::AppState;

/// A query with one answer.
pub fn one<A, P, Q, T, F, Fut>(id: &'static str, path: &str, summary: &str, handler: F) -> Operation
where
    A: HasAudience,
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
    A: HasAudience,
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
    A: HasAudience,
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
    A: HasAudience,
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
    A: HasAudience,
    P: Address + 'static,
    Q: Filter + 'static,
    T: Serialize + JsonSchema,
    F: Fn(A, P, Q, When) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<T, ApiError>> + Send,
{
    let answer = async move |State(state): State<AppState>, caller: A, At(at): At<P>, mut asked: QueryParams| {
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
        audience: audience_of::<A>(),
        address: P::SCHEMAS,
        query: parameters::<Q>(past, &[]),
        headers: &[],
        command: None,
        body: None,
        upload: &[],
        success: Success::Json(schema::<T>()),
        takes_long: false,
        route: get(answer),
    }
}

fn pages<A, P, Q, I, F, Fut>(id: &'static str, path: &str, summary: &str, past: bool, handler: F) -> Operation
where
    A: HasAudience,
    P: Address + 'static,
    Q: Filter + 'static,
    I: Item,
    F: Fn(A, P, Q, Page, When) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Paged<I>, ApiError>> + Send,
{
    let csv = !I::COLUMNS.is_empty();
    let answer =
        async move |State(state): State<AppState>, uri: Uri, caller: A, At(at): At<P>, mut asked: QueryParams| {
            let moment = Asking::read(&mut asked, past)?;
            let PageParams { limit, after } = asked.page()?;
            let form = if csv { asked.page_form()? } else { Form::Json };
            let filter = asked.filter()?;
            let (position, when) = moment.settled(&state).await?;
            let page = handler(caller, at, filter, Page { limit: limit.get(), after }, when).await?;
            Ok::<_, ApiError>((position_header(position), page_answer(&page, form, &uri)?).into_response())
        };
    let formats: &[SchemaOf] = if csv { &[inline::<PageParams>, inline::<Formatted>] } else { &[inline::<PageParams>] };
    Operation {
        id,
        method: "get",
        path: path.to_owned(),
        summary: summary.to_owned(),
        audience: audience_of::<A>(),
        address: P::SCHEMAS,
        query: parameters::<Q>(past, formats),
        headers: &[],
        command: None,
        body: None,
        upload: &[],
        success: Success::Page { item: schema::<I>(), columns: I::COLUMNS, ndjson: false },
        takes_long: false,
        route: get(answer),
    }
}

/// What every query takes, with its own parameters last.
pub(super) fn parameters<Q: Filter>(past: bool, others: &[SchemaOf]) -> Vec<SchemaOf> {
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
    fn read(asked: &mut QueryParams, past: bool) -> Result<Self, ApiError> {
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
