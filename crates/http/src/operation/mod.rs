//! One operation of the API: its route and its documentation in one value, made from one handler, so that neither can be
//! without the other or say something else.

mod document;
mod page;
mod query;
mod stream;

use std::future::Future;

use axum::Json;
use axum::http::{HeaderName, HeaderValue};
use axum::routing::{MethodRouter, post};
use rollbook_store::Position;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::address::{Address, At};
use crate::auth::HasAudience;
use crate::openapi::SchemaOf;
use crate::problem::ApiError;
use crate::processor::Kind;
use crate::query_params::QueryParams;
use crate::state::AppState;

pub use document::{Document, document};
pub use query::{list, list_as_of, one, one_as_of};
pub use stream::list_or_stream;

/// The header that says which position an answer is of.
pub const POSITION: HeaderName = HeaderName::from_static("rollbook-position");

/// An operation.
pub struct Operation {
    /// Its name, unique.
    pub id: &'static str,
    /// `get`, `post`, `put` or `delete`.
    pub method: &'static str,
    /// With placeholders in braces.
    pub path: String,
    /// One line.
    pub summary: String,
    /// Whom it lets in.
    pub audience: Audience,
    /// The schemas of the path's placeholders, in their order.
    pub address: &'static [SchemaOf],
    /// Objects whose properties are the query's parameters.
    pub query: Vec<SchemaOf>,
    /// The headers that it reads, besides those of every command.
    pub headers: &'static [Header],
    /// The command whose schema the body has.
    pub command: Option<&'static str>,
    /// What else the body is.
    pub body: Option<Body>,
    /// The media types of the file that the body is.
    pub upload: &'static [&'static str],
    /// What success looks like.
    pub success: Success,
    /// Whether it may take longer than other requests.
    pub takes_long: bool,
    /// The route.
    pub route: MethodRouter<AppState>,
}

impl Operation {
    /// What it takes of the processor, and of others' time.
    pub fn kind(&self) -> Kind {
        match (self.method, &self.success) {
            _ if self.takes_long => Kind::Long,
            // Another system is asked, which may take its time: nobody is to wait for that besides.
            (_, Success::Redirect) => Kind::Change,
            ("get", _) => Kind::Read,
            _ => Kind::Change,
        }
    }
}

/// A body of JSON that is no command's.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    /// Its schema.
    pub schema: SchemaOf,
    /// The statuses of the problems that its operation can have.
    pub problems: &'static [&'static str],
    /// Whether there must be one.
    pub required: bool,
}

/// A header that an operation reads.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// What it looks like.
    pub pattern: &'static str,
    /// What it says.
    pub description: &'static str,
}

/// Whom an operation lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody.
    Anybody,
    /// Whoever has a token; rights decide the rest.
    Bearers,
    /// Owners and admins.
    Admins,
    /// Super admins, on a host of the default site.
    SuperAdmins,
}

/// The answer when all is well.
#[derive(Clone, Copy, Debug)]
pub enum Success {
    /// JSON of this schema.
    Json(SchemaOf),
    /// JSON of the first of these schemas, or of the second where more is asked for before that.
    JsonOrMore(SchemaOf, SchemaOf),
    /// A page of items of this schema, also in other forms where it says so.
    Page {
        /// An item's.
        item: SchemaOf,
        /// Its columns as CSV; none: it does not come as CSV.
        columns: &'static [&'static str],
        /// Whether it comes as JSON lines too.
        ndjson: bool,
    },
    /// Server-sent events whose data are JSON of this schema.
    Events(SchemaOf),
    /// Something else, of this media type.
    Other(&'static str),
    /// Nothing to say.
    Nothing,
    /// It was heard, and what comes of it is not said.
    Accepted,
    /// The browser is sent elsewhere.
    Redirect,
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

fn audience_of<A: HasAudience>() -> Audience {
    A::AUDIENCE
}

/// Work that somebody asks for, which is no command of the domain; it takes the time it takes.
pub fn action<A, P, Q, T, F, Fut>(id: &'static str, path: &str, summary: &str, handler: F) -> Operation
where
    A: HasAudience,
    P: Address + 'static,
    Q: Filter + 'static,
    T: Serialize + JsonSchema,
    F: Fn(A, P, Q) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<T, ApiError>> + Send,
{
    let answer = move |caller: A, At(at): At<P>, asked: QueryParams| async move {
        let filter = asked.filter()?;
        handler(caller, at, filter).await.map(Json)
    };
    Operation {
        id,
        method: "post",
        path: path.to_owned(),
        summary: summary.to_owned(),
        audience: audience_of::<A>(),
        address: P::SCHEMAS,
        query: vec![inline::<Q>],
        headers: &[],
        command: None,
        body: None,
        upload: &[],
        success: Success::Json(schema::<T>()),
        takes_long: true,
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
        audience: Audience::Anybody,
        address: &[],
        query: Vec::new(),
        headers: &[],
        command: None,
        body: None,
        upload: &[],
        success,
        takes_long: false,
        route,
    }
}

fn inline<T: JsonSchema>(schemas: &mut schemars::SchemaGenerator) -> schemars::Schema {
    T::json_schema(schemas)
}

/// The header with the position that an answer is of.
pub fn position_header(position: Position) -> [(HeaderName, HeaderValue); 1] {
    [(POSITION, position.into())]
}
