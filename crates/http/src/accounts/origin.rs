//! Where a request with a cookie comes from: this site's own pages, or somewhere else. Cookies come by themselves, so that what
//! changes anything must not be taken from another site's page.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method};

use super::problem::AccountProblem;
use crate::headers::single;
use crate::problem::ApiError;

/// Refuses what another site's page may have sent. Reading changes nothing, and no other page sees the answer.
pub fn refuse_other_sites(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    if matches!(*method, Method::GET | Method::HEAD) || is_own(headers)? {
        Ok(())
    } else {
        Err(ApiError::Account(AccountProblem::CrossSite))
    }
}

/// Whether the browser says that its own page of this origin sent it, or its user. What it says of the site is looked at first; what
/// says nothing of either is not taken for a browser's page.
fn is_own(headers: &HeaderMap) -> Result<bool, ApiError> {
    if let Some(site) = single(headers, "Sec-Fetch-Site")? {
        return Ok(matches!(site, "same-origin" | "none"));
    }
    let (Some(origin), Some(host)) = (single(headers, ORIGIN.as_str())?, single(headers, HOST.as_str())?) else {
        return Ok(false);
    };
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    Ok(authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(method: &Method, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        refuse_other_sites(method, &headers).is_ok()
    }

    #[test]
    fn takes_what_its_own_pages_send() {
        for headers in [
            &[("sec-fetch-site", "same-origin")][..],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
            &[("origin", "https://school.example.org"), ("host", "school.example.org")],
            &[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")],
        ] {
            assert!(taken(&Method::POST, headers), "{headers:?}");
        }
    }

    #[test]
    fn refuses_what_another_page_may_have_sent() {
        for headers in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://a.example"), ("host", "a.example")],
            &[("origin", "null"), ("host", "school.example.org")],
            &[("origin", "https://evil.example"), ("host", "school.example.org")],
            &[("origin", "https://school.example.org.evil.example"), ("host", "school.example.org")],
            &[("origin", "https://school.example.org:8443"), ("host", "school.example.org")],
            &[("origin", "https://school.example.org")],
        ] {
            assert!(!taken(&Method::POST, headers), "{headers:?}");
            assert!(!taken(&Method::DELETE, headers), "{headers:?}");
            assert!(taken(&Method::GET, headers), "reading changes nothing");
        }
    }
}
