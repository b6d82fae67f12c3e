//! The host that a request is for: of its absolute form, or else of its one Host header. Nothing that a proxy adds counts.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};
use rollbook_domain::site::{HostAdmits, HostName};

use crate::client_address::Local;
use crate::headers::single;
use crate::problem::ApiError;

/// How a request has come in: what the dispatcher tells the site's own service.
#[derive(Clone, Debug)]
pub struct Through {
    /// The site's slug, for logs.
    pub slug: String,
    /// Whom the host lets in.
    pub admits: HostAdmits,
    /// The host as the registry has it; none where the site answers without one of its own.
    pub host: Option<String>,
}

/// Where a request has come to, as the registry and the connection have it: nothing of this is the client's to write.
#[derive(Clone, Debug)]
pub struct CameTo {
    /// The host of the registry.
    pub host: Option<String>,
    /// Whom it lets in.
    pub admits: HostAdmits,
    /// This end of the connection.
    pub local: Option<SocketAddr>,
}

impl<S: Sync> FromRequestParts<S> for CameTo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let through = parts.extensions.get::<Through>();
        Ok(Self {
            host: through.and_then(|through| through.host.clone()),
            admits: through.map_or(HostAdmits::Everyone, |through| through.admits),
            local: parts.extensions.get::<Local>().map(|Local(local)| *local),
        })
    }
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
    if [authority, &header].into_iter().any(|authority| !has_a_good_port(authority)) {
        return Err(malformed());
    }
    HostName::try_new(authority.host()).map_err(|_| malformed())
}

/// Whether what stands for a port is one, or nothing: it says nothing of the site, and is no place for anything else.
fn has_a_good_port(authority: &Authority) -> bool {
    let port = authority.as_str().strip_prefix(authority.host()).and_then(|rest| rest.strip_prefix(':'));
    port.is_none_or(|port| port.is_empty() || (port.len() <= 5 && port.parse::<u16>().is_ok()))
}

fn malformed() -> ApiError {
    ApiError::BadHeader("Host must be a host, and perhaps a port, such as school.example.org".to_owned())
}
