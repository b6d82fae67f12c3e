//! Queries whose answer is a document of another form than JSON, made as a whole.

use std::future::Future;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::query::parameters;
use super::{Filter, Operation, Success, audience_of, position_header};
use crate::address::{Address, At};
use crate::auth::HasAudience;
use crate::problem::ApiError;
use crate::query_params::QueryParams;
use crate::state::AppState;

/// A document.
#[derive(Debug)]
pub struct Document {
    /// Its media type, with the character set where there is one.
    pub media_type: &'static str,
    /// What a browser may do with it; without one, nothing.
    pub policy: Option<HeaderValue>,
    /// What it says.
    pub body: String,
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        let mut response = ([(CONTENT_TYPE, self.media_type)], self.body).into_response();
        if let Some(policy) = self.policy {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

/// A query whose answer is a document of this media type.
pub fn document<A, P, Q, F, Fut>(
    id: &'static str,
    path: &str,
    summary: &str,
    media: &'static str,
    handler: F,
) -> Operation
where
    A: HasAudience,
    P: Address + 'static,
    Q: Filter + 'static,
    F: Fn(A, P, Q) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Document, ApiError>> + Send,
{
    let answer = async move |State(state): State<AppState>, caller: A, At(at): At<P>, mut asked: QueryParams| {
        let at_least = asked.at_least()?;
        let filter = asked.filter()?;
        let position = state.read_at(at_least).await?;
        let document = handler(caller, at, filter).await?;
        Ok::<_, ApiError>((position_header(position), document).into_response())
    };
    Operation {
        id,
        method: "get",
        path: path.to_owned(),
        summary: summary.to_owned(),
        audience: audience_of::<A>(),
        address: P::SCHEMAS,
        query: parameters::<Q>(false, &[]),
        headers: &[],
        command: None,
        body: None,
        upload: &[],
        success: Success::Other(media),
        takes_long: false,
        route: get(answer),
    }
}
