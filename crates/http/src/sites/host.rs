//! The host that a request is for: of its absolute form, or else of its one Host header. Nothing that a proxy adds counts.

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};
use rollbook_domain::site::{HostAdmits, HostName};

use crate::headers::single;
use crate::problem::ApiError;

/// How a request has come in: what the dispatcher tells the site's own service.
#[derive(Clone, Debug)]
pub struct Through {
    /// The site's slug, for logs.
    pub slug: String,
    /// Whom the host lets in.
    pub admits: HostAdmits,
    /// The host, if it is one that the registry has of the site.
    pub host: Option<String>,
}

/// The host of a request, in the form in which two are compared.
pub fn host_of(uri: &Uri, headers: &HeaderMap) -> Result<HostName, ApiError> {
    let header = single(headers, HOST.as_str())?;
    let header = header.ok_or_else(|| ApiError::BadHeader("send one Host header".to_owned()))?;
    // RFC 9112: with the absolute form, what the header says is not looked at. That it is one is.
    let header: Authority = header.trim().parse().map_err(|_| malformed())?;
    let authority = uri.authority().unwrap_or(&header);
    if authority.as_str().contains('@') {
        return Err(malformed());
    }
    HostName::try_new(authority.host()).map_err(|_| malformed())
}

fn malformed() -> ApiError {
    ApiError::BadHeader("Host must be a host, and perhaps a port, such as school.example.org".to_owned())
}
