//! The cookies of a browser: its session, the device that it is, half a sign-in, and a way to another system. All of this host alone, for no script
//! to read, and over TLS (or on this machine).

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use chrono::TimeDelta;
use cookie::{Cookie, SameSite};
use secrecy::{ExposeSecret, SecretString};

use crate::problem::ApiError;

/// A session's token.
pub const SESSION: &str = "__Host-rollbook";
/// A device on which somebody has signed in.
pub const DEVICE: &str = "__Host-rollbook-device";
/// A sign-in that waits for a second factor.
pub const HALF: &str = "__Host-rollbook-half";
/// A browser on its way to another system and back.
pub const FLOW: &str = "__Host-rollbook-flow";

/// The longest value that is looked at: ours are shorter, also a sealed way with the longest path to go to, and browsers keep twice that.
const LONGEST: usize = 2_048;

/// The value of a cookie, if the browser sent it.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<SecretString> {
    let sent = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let mut cookies = sent.flat_map(Cookie::split_parse).filter_map(Result::ok);
    let found = cookies.find(|cookie| cookie.name() == name)?;
    let value = found.value();
    (!value.is_empty() && value.len() <= LONGEST).then(|| value.into())
}

/// The header that gives a browser a cookie.
pub fn set(name: &'static str, value: &SecretString, age: TimeDelta) -> Result<HeaderValue, ApiError> {
    header(name, value.expose_secret(), age.num_seconds())
}

/// The header that takes a cookie away.
pub fn unset(name: &'static str) -> Result<HeaderValue, ApiError> {
    header(name, "", 0)
}

fn header(name: &'static str, value: &str, seconds: i64) -> Result<HeaderValue, ApiError> {
    let cookie = Cookie::build((name, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(cookie::time::Duration::seconds(seconds))
        .build();
    let mut header = HeaderValue::try_from(cookie.to_string()).map_err(|error| ApiError::internal(&error))?;
    header.set_sensitive(true);
    Ok(header)
}

/// The headers of an answer that sets cookies.
pub fn headers(cookies: impl IntoIterator<Item = HeaderValue>) -> HeaderMap {
    cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_of_this_host_alone_and_for_no_script() {
        let header = set(SESSION, &"rb_x".into(), TimeDelta::days(14)).unwrap();
        let header = header.to_str().unwrap();
        assert!(header.starts_with("__Host-rollbook=rb_x; "), "{header}");
        for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=1209600"] {
            assert!(header.contains(part), "{part}: {header}");
        }
        assert!(!header.contains("Domain"), "{header}");
        assert!(unset(SESSION).unwrap().to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn finds_its_own_cookie_among_others() {
        let sent = |text: &str| HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(text).unwrap())]);
        let read = |text: &str| cookie(&sent(text), SESSION).map(|value| value.expose_secret().to_owned());
        assert_eq!(read("a=b; __Host-rollbook=rb_1; c=d").as_deref(), Some("rb_1"));
        assert_eq!(read("__Host-rollbook-device=rb_1"), None);
        assert_eq!(read("__Host-rollbook="), None);
        assert_eq!(read(&format!("__Host-rollbook={}", "x".repeat(LONGEST + 1))), None);
    }
}
