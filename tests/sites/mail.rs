//! Messages of several schools: each leads to its own school, and a closed one sends none.

use std::fs;

use rollbook_mail::Settings;
use serde_json::json;

use super::{NOW, Student};
use crate::emails::scene::{deliver, mailer};
use crate::harness::Service;

#[tokio::test]
async fn a_message_leads_to_its_own_school_and_a_closed_school_sends_none() {
    let service = Service::with_super_admin(NOW).await;
    let (north, south, closed) =
        (service.site("north").await, service.site("south").await, service.site("closed").await);
    let hosts = json!([{"host": "office.example.org", "admits": "staff"}, {"host": "north.example.org"}]);
    service.command(&service.owner, "SetSiteHosts", json!({"site_id": north.site, "hosts": hosts})).await;
    let mut messages = Vec::new();
    for site in [&north, &south, &closed] {
        let cohort = Student::in_site(site).await.cohort;
        site.command(&site.owner, "SendWeekEmails", json!({"cohort_id": cohort, "week": 1})).await;
        let listed = site.items(&site.owner, &format!("/v1/cohorts/{cohort}/emails")).await;
        messages.push(listed[0]["message_id"].as_str().expect("an id").to_owned());
    }
    service.command(&service.owner, "CloseSite", json!({"site_id": closed.site, "reason": "a pause"})).await;
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings {
        resend_api_key: None,
        resend_url: None,
        smtp_url: None,
        from: None,
        directory: folder.path().to_owned(),
        public_url: Some("https://rollbook.example.org".to_owned()),
    };
    let mut mailer = mailer(&service, &settings);
    assert!(deliver(&mut mailer).await.is_some(), "the closed school's message waits");
    let source = |message: &String| fs::read_to_string(folder.path().join(format!("{message}.eml")));
    let (of_north, of_south) = (source(&messages[0]).expect("a message"), source(&messages[1]).expect("a message"));
    assert!(
        of_north.contains("https://north.example.org/") && !of_north.contains("rollbook.example.org"),
        "{of_north}"
    );
    assert!(
        of_south.contains("https://south.example.org/") && !of_south.contains("rollbook.example.org"),
        "{of_south}"
    );
    assert!(source(&messages[2]).is_err());

    service.command(&service.owner, "ReopenSite", json!({"site_id": closed.site})).await;
    service.now("2026-02-10T09:05:00Z");
    assert_eq!(deliver(&mut mailer).await, None);
    assert!(source(&messages[2]).expect("a message").contains("https://closed.example.org/"), "nothing was lost");
}
