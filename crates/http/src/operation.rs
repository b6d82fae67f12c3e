//! One operation of the API: its route and its documentation in one value, made from one handler, so that neither can be
//! without the other or say something else.

use std::future::Future;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, LINK, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use rollbook_projections::{Page, Paged};
use rollbook_store::Position;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::address::{Address, At};
use crate::asked::{Asked, AtLeast, Formatted, PageAsked};
use crate::auth::Audience;
use crate::csv;
use crate::openapi::SchemaOf;
use crate::problem::ApiError;
use crate::state::AppState;

/// The header that says which position an answer is of.
pub const POSITION: HeaderName = HeaderName::from_static("rollbook-position");

/// An operation.
pub struct Operation {
    /// Its name, unique.
    pub id: &'static str,
    /// `get`, `post` or `delete`.
    pub method: &'static str,
    /// With placeholders in braces.
    pub path: String,
    /// One line.
    pub summary: String,
    /// Whom it lets in.
    pub audience: Whom,
    /// The schemas of the path's placeholders, in their order.
    pub address: &'static [SchemaOf],
    /// Objects whose properties are the query's parameters.
    pub query: Vec<SchemaOf>,
    /// The command whose schema the body has.
    pub command: Option<&'static str>,
    /// What success looks like.
    pub success: Success,
    /// Whether it may take longer than other requests.
    pub patient: bool,
    /// The route.
    pub route: MethodRouter<AppState>,
}

/// Whom an operation lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Everybody.
    Anybody,
    /// Whoever has a token; rights decide the rest.
    Bearers,
    /// Owners and admins.
    Admins,
}

/// The answer when all is well.
#[derive(Clone, Copy, Debug)]
pub enum Success {
    /// JSON of this schema.
    Json(SchemaOf),
    /// A page of items of this schema, also as CSV where it says so.
    Page {
        /// An item's.
        item: SchemaOf,
        /// Whether it comes as CSV too.
        csv: bool,
    },
    /// Something else, of this media type.
    Other(&'static str),
    /// Nothing to say.
    Nothing,
}

/// A query's item.
pub trait Item: Serialize + JsonSchema + Send {
    /// Its columns as CSV (see [`csv::write`]); none: it does not come as CSV.
    const COLUMNS: &'static [&'static str] = &[];
}

/// A query's own parameters.
pub trait Filter: DeserializeOwned + JsonSchema + Send {}

impl<Q: DeserializeOwned + JsonSchema + Send> Filter for Q {}

fn schema<T: JsonSchema>() -> SchemaOf {
    |schemas| schemas.subschema_for::<T>()
}

fn whom<A: Audience>() -> Whom {
    if A::ADMINS_ONLY { Whom::Admins } else { Whom::Bearers }
}

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
    let answer = move |State(state): State<AppState>, caller: A, At(at): At<P>, mut asked: Asked| async move {
        let at_least = asked.at_least()?;
        let filter = asked.filter()?;
        let position = state.read_at(at_least).await?;
        let answer = handler(caller, at, filter).await?;
        Ok::<_, ApiError>((position_header(position), Json(answer)).into_response())
    };
    Operation {
        id,
        method: "get",
        path: path.to_owned(),
        summary: summary.to_owned(),
        audience: whom::<A>(),
        address: P::SCHEMAS,
        query: vec![inline::<AtLeast>, inline::<Q>],
        command: None,
        success: Success::Json(schema::<T>()),
        patient: false,
        route: get(answer),
    }
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
    let csv = !I::COLUMNS.is_empty();
    let answer = move |State(state): State<AppState>, uri: Uri, caller: A, At(at): At<P>, mut asked: Asked| async move {
        let at_least = asked.at_least()?;
        let PageAsked { limit, after } = asked.page()?;
        let csv = csv && asked.csv()?;
        let filter = asked.filter()?;
        let position = state.read_at(at_least).await?;
        let page = handler(caller, at, filter, Page { limit: limit.get(), after }).await?;
        Ok::<_, ApiError>((position_header(position), page_answer(&page, csv, &uri)?).into_response())
    };
    let mut query: Vec<SchemaOf> = vec![inline::<AtLeast>, inline::<PageAsked>];
    query.extend(csv.then_some(inline::<Formatted> as SchemaOf));
    query.push(inline::<Q>);
    Operation {
        id,
        method: "get",
        path: path.to_owned(),
        summary: summary.to_owned(),
        audience: whom::<A>(),
        address: P::SCHEMAS,
        query,
        command: None,
        success: Success::Page { item: schema::<I>(), csv },
        patient: false,
        route: get(answer),
    }
}

/// Work that somebody asks for, which is no command of the domain; it takes the time it takes.
pub fn action<A, P, Q, T, F, Fut>(id: &'static str, path: &str, summary: &str, handler: F) -> Operation
where
    A: Audience,
    P: Address + 'static,
    Q: Filter + 'static,
    T: Serialize + JsonSchema,
    F: Fn(A, P, Q) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<T, ApiError>> + Send,
{
    let answer = move |caller: A, At(at): At<P>, asked: Asked| async move {
        let filter = asked.filter()?;
        handler(caller, at, filter).await.map(Json)
    };
    Operation {
        id,
        method: "post",
        path: path.to_owned(),
        summary: summary.to_owned(),
        audience: whom::<A>(),
        address: P::SCHEMAS,
        query: vec![inline::<Q>],
        command: None,
        success: Success::Json(schema::<T>()),
        patient: true,
        route: post(answer),
    }
}

/// Something for everybody, programs mostly.
pub fn open(id: &'static str, path: &str, summary: &str, success: Success, route: MethodRouter<AppState>) -> Operation {
    Operation {
        id,
        method: "get",
        path: path.to_owned(),
        summary: summary.to_owned(),
        audience: Whom::Anybody,
        address: &[],
        query: Vec::new(),
        command: None,
        success,
        patient: false,
        route,
    }
}

fn inline<T: JsonSchema>(schemas: &mut schemars::SchemaGenerator) -> schemars::Schema {
    T::json_schema(schemas)
}

fn position_header(position: Position) -> [(HeaderName, HeaderValue); 1] {
    [(POSITION, position.into())]
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
