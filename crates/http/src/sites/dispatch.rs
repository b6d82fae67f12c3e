//! In front of the services of the sites: each request goes to the one that its host belongs to, and to no other. It looks at
//! nothing but the host and, for what is the process's own, the path.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use rollbook_domain::SiteId;
use rollbook_domain::site::{HostAdmits, Slug};
use tower::ServiceExt;

use super::host::{Through, host_of};
use super::{Installation, Reached, UnknownHosts};
use crate::client_address::Peer;
use crate::health::AtItsOwnAddress;
use crate::layers;
use crate::problem::ApiError;
use crate::processor::Served;
use crate::until_its_end::until_its_end;

/// What is the process's own: answered under any host, and without one.
const OF_THE_PROCESS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The routes of all sites.
pub fn router(installation: Installation) -> Router {
    let refusals = layers::around(Router::new().fallback(refuse), installation.counted(), Served::DEFAULT);
    Router::new().fallback(dispatch).with_state(Front { installation, refusals })
}

#[derive(Clone)]
struct Front {
    installation: Installation,
    /// Answers what belongs to no site, like every answer.
    refusals: Router,
}

/// Why a request belongs to no site. An extension must be one that can be copied, and an error is none.
#[derive(Clone)]
struct Refused(Arc<ApiError>);

async fn refuse(Extension(Refused(error)): Extension<Refused>) -> Response {
    error.response()
}

async fn dispatch(State(front): State<Front>, mut request: Request) -> Response {
    let reach = async {
        let (site, through) = front.installation.find(&request)?;
        request.extensions_mut().insert(through);
        front.installation.reach(site).await
    };
    // The layers that answer a panic are around the routes, which are not found yet.
    let reached = AssertUnwindSafe(reach).catch_unwind().await;
    match reached.unwrap_or_else(|_| Err(ApiError::internal(&"a panic before the site was found"))) {
        Ok(Reached { routes, in_use: Some(in_use), .. }) => {
            until_its_end(routes.oneshot(request).await.into_response(), in_use)
        }
        Ok(Reached { routes, in_use: None, .. }) => routes.oneshot(request).await.into_response(),
        Err(error) => {
            request.extensions_mut().insert(Refused(Arc::new(error)));
            front.refusals.oneshot(request).await.into_response()
        }
    }
}

impl Installation {
    /// The site that a request is for.
    fn find(&self, request: &Request) -> Result<(SiteId, Through), ApiError> {
        let known = self.registry().known();
        let of_default = || {
            let (slug, admits) = (Slug::DEFAULT.to_owned(), HostAdmits::Everyone);
            (SiteId::DEFAULT, Through { slug, admits, host: None })
        };
        if OF_THE_PROCESS.contains(&request.uri().path()) {
            return Ok(of_default());
        }
        if request.extensions().get::<AtItsOwnAddress>().is_some() {
            return Err(ApiError::NotFound("nothing is here but how the service is".to_owned()));
        }
        let host = host_of(request.uri(), request.headers())?;
        let Some((site, admits)) = known.host(host.as_str()) else {
            // By a name that is not its own the default site grants nothing that it would not by one that is.
            let own = known.site(SiteId::DEFAULT).map_or(&[][..], |site| &site.hosts);
            let peer = request.extensions().get::<Peer>();
            let from_here = peer.is_some_and(|Peer(peer)| peer.to_canonical().is_loopback());
            let here = host.is_loopback() && from_here && own.is_empty();
            let anywhere = self.unknown_hosts() == UnknownHosts::Default
                && (own.is_empty() || own.iter().any(|host| host.admits == HostAdmits::Everyone));
            return if here || anywhere { Ok(of_default()) } else { Err(ApiError::UnknownHost) };
        };
        match known.site(site) {
            Some(known) if known.closed => Err(ApiError::SiteClosed),
            Some(known) if !known.is_ready() => Err(ApiError::SiteNotReady),
            Some(known) => Ok((site, Through { slug: known.slug.clone(), admits, host: Some(host.to_string()) })),
            None => Err(ApiError::UnknownHost),
        }
    }
}
