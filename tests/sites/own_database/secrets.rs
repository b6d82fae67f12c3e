//! Where a school's database is is told once, and to nobody again.

use reqwest::Method;
use rollbook_store::isolation::url_of_every_site;

use super::{A, installation, keys};
use crate::accounts::secrets::dump;
use crate::harness::{Database, answer};

#[tokio::test]
async fn neither_the_registry_nor_an_answer_nor_a_debug_shows_where_it_is() {
    let service = installation().await;
    let own = Database::empty().await;
    let id = service.wanting("north").await;
    let mut said = String::new();
    let given = service.give(&id, &own.url).await;
    assert_eq!(given.status, 200, "{}", given.text);
    said += &given.text;
    let again = service.give(&id, &own.url).await;
    said += &again.text;
    let north = service.in_own("north", &id, &own).await;
    for path in ["/v1/sites", "/v1/events", "/v1/audit", "/openapi.json", "/metrics", "/v1/projections"] {
        said += &service.ask(&service.owner, path).await.text;
        said += &north.ask(&north.owner, path).await.text;
    }
    said += &service.ask(&service.owner, &format!("/v1/sites/{id}")).await.text;
    let removed = answer(service.request(Method::GET, &service.owner, &format!("/v1/sites/{id}/database"))).await;
    assert_eq!(removed.status, 405, "{}", removed.text);

    let store = service.executor.store();
    let kept = store.site_database(north.site).await.expect("a look").expect("one");
    let opened = keys(A).open(north.site, &kept.sealed).expect("the key");
    let reached = service.installation.reach(north.site).await.expect("it is open");
    let shown = format!(
        "{kept:?} {opened:?} {:?} {:?} {:?} {:?} {reached:?} {:?} {:?}",
        keys(A),
        service.installation,
        reached.state.store(),
        reached.state.projections(),
        reached.state.executor(),
        reached.state.pool(),
    );
    let registry = dump(&url_of_every_site(&service.database.url)).await;
    assert!(registry.contains("owner@north.example.org"), "the dump is one");
    let url: reqwest::Url = own.url.parse().expect("a URL");
    let hex = |text: &str| format!("{:02x?}", text.as_bytes()).replace(['[', ']', ',', ' '], "");
    let password = url.password().expect("a password");
    for secret in [&own.url, password, &super::name(&own), &hex(password), "AAAAAAAAAAAAAAAA"] {
        for (place, text) in [("registry", &registry), ("answers", &said), ("debug", &shown)] {
            assert!(!text.contains(secret), "{secret} is in the {place}: {text}");
        }
    }
}
