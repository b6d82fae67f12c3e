//! Lists that come page by page, or as a whole: a stream of CSV or of JSON lines, read page by page as the client takes
//! it. Between two pages nothing is held: no transaction, no connection, and of the list one page.

use std::future::Future;
use std::io;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::stream::try_unfold;
use rollbook_projections::{Page, Paged};

use super::page::{form_headers, lines, page_answer};
use super::{Filter, Item, Operation, Success, audience_of, inline, position_header, schema};
use crate::address::{Address, At};
use crate::auth::HasAudience;
use crate::csv::Sheet;
use crate::problem::ApiError;
use crate::query_params::{AtLeast, PageParams, QueryParams};
use crate::response_format::{Form, StreamFormatted};
use crate::state::AppState;

/// A query with a list of items: page by page, and as a whole in the forms that can be written little by little. The
/// handler is asked for one page after the other, each time for a caller who may still read it.
pub fn list_or_stream<A, P, Q, I, F, Fut>(id: &'static str, path: &str, summary: &str, handler: F) -> Operation
where
    A: HasAudience,
    P: Address + Clone + Sync + 'static,
    Q: Filter + Clone + Sync + 'static,
    I: Item + Sync + 'static,
    F: Fn(A, P, Q, Page) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Paged<I>, ApiError>> + Send,
{
    let answer =
        async move |State(state): State<AppState>, caller: A, At(at): At<P>, mut asked: QueryParams, parts: Parts| {
            let at_least = asked.at_least()?;
            let limited = asked.is_limited();
            let PageParams { limit, after } = asked.page()?;
            let form = asked.form()?;
            let filter: Q = asked.filter()?;
            let position = position_header(state.read_at(at_least).await?);
            let whole = form != Form::Json && !limited;
            let limit = if whole { Page::MAX_LIMIT } else { limit.get() };
            let first = handler(caller, at.clone(), filter.clone(), Page { limit, after }).await?;
            if !whole {
                return Ok((position, page_answer(&first, form, &parts.uri)?).into_response());
            }
            let next = move |cursor: String| {
                let (handler, mut parts, state) = (handler.clone(), parts.clone(), state.clone());
                let (at, filter) = (at.clone(), filter.clone());
                async move {
                    let caller = A::from_request_parts(&mut parts, &state).await?;
                    handler(caller, at, filter, Page { limit: Page::MAX_LIMIT, after: Some(cursor) }).await
                }
            };
            Ok::<_, ApiError>((position, stream_answer(first, form, next)).into_response())
        };
    Operation {
        id,
        method: "get",
        path: path.to_owned(),
        summary: summary.to_owned(),
        audience: audience_of::<A>(),
        address: P::SCHEMAS,
        query: vec![inline::<AtLeast>, inline::<PageParams>, inline::<StreamFormatted>, inline::<Q>],
        headers: &[],
        command: None,
        body: None,
        upload: &[],
        success: Success::Page { item: schema::<I>(), columns: I::COLUMNS, ndjson: true },
        takes_long: false,
        route: get(answer),
    }
}

/// What is still to be sent.
enum Rest<I> {
    Page(Paged<I>),
    After(String),
    Nothing,
}

/// All the pages, each asked for when the client has taken the one before.
fn stream_answer<I, N, Fut>(first: Paged<I>, form: Form, next: N) -> Response
where
    I: Item + Sync + 'static,
    N: Fn(String) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Paged<I>, ApiError>> + Send,
{
    let sheet = Sheet::new(I::COLUMNS);
    let heading = sheet.heading();
    let mut before = (form == Form::Csv).then_some(heading);
    let write = move |items: &[I]| -> io::Result<Vec<u8>> {
        let heading = before.take().transpose()?.unwrap_or_default();
        let rows = if form == Form::Csv { sheet.lines(items) } else { lines(items) };
        Ok([heading, rows?].concat())
    };
    let pages = try_unfold((Rest::Page(first), next, write), async move |(rest, next, mut write)| {
        let page = match rest {
            Rest::Page(page) => page,
            // The status is sent: all that can be said now is that this is not the end.
            Rest::After(cursor) => {
                next(cursor).await.map_err(|error| io::Error::other(format!("broken off: {}", error.code())))?
            }
            Rest::Nothing => return Ok(None),
        };
        let bytes = write(&page.items)?;
        Ok::<_, io::Error>(Some((bytes, (page.next.map_or(Rest::Nothing, Rest::After), next, write))))
    });
    (form_headers::<I>(form), Body::from_stream(pages)).into_response()
}
