//! Where a browser goes once it has signed in: a path of this site, and nowhere else.

/// Where it goes when nobody says.
pub const HOME: &str = "/sign-in";

/// The path, if it is one of this site; otherwise home. What begins with two slashes, or a slash and a backslash, is another site to a
/// browser.
pub fn of_this_site(next: &str) -> &str {
    let own = next.strip_prefix('/').is_some_and(|rest| !rest.starts_with(['/', '\\']));
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if own && plain && next.len() <= 512 { next } else { HOME }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_on_this_site() {
        for path in ["/", "/docs", "/v1/cohorts/1/report.html?x=1&y=//z"] {
            assert_eq!(of_this_site(path), path);
        }
        for path in
            ["", "docs", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nSet-Cookie: x", "/\t/e"]
        {
            assert_eq!(of_this_site(path), HOME, "{path:?}");
        }
    }
}
