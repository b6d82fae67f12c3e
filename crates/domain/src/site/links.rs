//! Where the links of a site lead: to its own host as the registry has it, never to another site's, and never where a request says.

use url::Url;

use crate::ids::SiteId;

/// The page that a site's links lead to; none where nobody can say. The configured address is the default site's; other sites are
/// found in the same way, under the host that they have.
pub fn page_of(public_url: Option<&str>, site: SiteId, host: Option<&str>) -> Option<String> {
    if let (SiteId::DEFAULT, Some(public_url)) = (site, public_url) {
        return Some(public_url.to_owned());
    }
    let host = host?;
    let Some(public_url) = public_url else { return Some(format!("https://{host}/")) };
    let mut url: Url = public_url.parse().ok()?;
    url.set_host(Some(host)).ok()?;
    Some(url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORTH: SiteId = SiteId(uuid::Uuid::from_u128(7));
    const PUBLIC: Option<&str> = Some("https://rollbook.example.org:8443/");

    #[test]
    fn a_sites_messages_lead_to_its_own_host() {
        let page = |public_url, site, host| page_of(public_url, site, host);
        assert_eq!(page(PUBLIC, NORTH, Some("north.example.org")).unwrap(), "https://north.example.org:8443/");
        assert_eq!(page(None, NORTH, Some("north.example.org")).unwrap(), "https://north.example.org/");
        assert_eq!(page(Some("http://localhost:8080/"), NORTH, Some("[::1]")).unwrap(), "http://[::1]:8080/");
        assert_eq!(page(PUBLIC, SiteId::DEFAULT, Some("elsewhere.example.org")).as_deref(), PUBLIC);
        assert_eq!(page(None, SiteId::DEFAULT, None), None);
        assert_eq!(page(None, SiteId::DEFAULT, Some("school.example.org")).unwrap(), "https://school.example.org/");
    }

    #[test]
    fn a_site_without_a_host_has_no_page_and_never_another_sites() {
        assert_eq!(page_of(PUBLIC, NORTH, None), None);
    }
}
