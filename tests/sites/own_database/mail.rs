//! The emails of a school in a database of its own: they go from there, lead to its own host, and keep it open until they are gone.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use rollbook_http::{Deliver, Delivery, OwnSite};
use rollbook_mail::{Mailer, Mailing, Settings, SiteDirectory, SiteStatus, waits};
use rollbook_store::{Clock, EventStore, StoreError};
use serde_json::json;

use super::{A, NOW, Student, connections, keys, until, with};
use crate::emails::scene::{Scene, deliver, takes_over};
use crate::harness::{Database, Hosting, at};

/// Delivers from the database of one site, as the binary does.
#[derive(Debug)]
struct Post(Settings);

struct OfSite {
    store: EventStore,
    clock: Clock,
    mailing: Mailing,
}

impl Deliver for Post {
    fn start(&self, site: OwnSite) -> Result<Box<dyn Delivery>, String> {
        let (store, clock) = (site.store.clone(), site.clock.clone());
        let mailer = Mailer::try_new(site.projections.clone(), store.clone(), clock.clone(), &self.0);
        let mailer = mailer.map_err(|error| error.to_string())?;
        let elsewhere = SiteDirectory::new(move || SiteStatus { closed: site.closed(), host: site.host() });
        Ok(Box::new(OfSite { store, clock, mailing: Mailing::start(mailer.of_site(elsewhere)) }))
    }
}

impl Delivery for OfSite {
    fn waits(&self) -> BoxFuture<'_, Result<bool, StoreError>> {
        waits(&self.store, self.clock.now()).boxed()
    }

    fn stop(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.mailing.stop().boxed()
    }
}

fn settings(folder: &Path) -> Settings {
    Settings {
        resend_api_key: None,
        resend_url: None,
        smtp_url: None,
        from: None,
        directory: folder.to_owned(),
        public_url: Some("https://rollbook.example.org".to_owned()),
    }
}

/// The messages in a folder, by what is in them.
fn messages(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
}

#[tokio::test]
async fn its_emails_go_from_its_own_database_which_is_left_after_that() {
    let folder = tempfile::tempdir().expect("a folder");
    let deliver: Arc<dyn Deliver> = Arc::new(Post(settings(folder.path())));
    let hosting =
        Hosting { keys: keys(A), idle: Duration::from_millis(100), deliver: Some(deliver), ..Hosting::default() };
    let service = with(Database::create().await, hosting).await;
    let own = Database::empty().await;
    let north = service.own_site("north", &own).await;
    let hosts = json!([{"host": "office.example.org", "admits": "staff"}, {"host": "north.example.org"}]);
    service.command(&service.owner, "SetSiteHosts", json!({"site_id": north.site, "hosts": hosts})).await;
    let cohort = Student::in_site(&north).await.cohort;
    north.command(&north.owner, "SendWeekEmails", json!({"cohort_id": cohort, "week": 1})).await;
    let sent = async || messages(folder.path()).iter().any(|message| message.contains("https://north.example.org/"));
    until("it is sent", sent).await;
    let watch = service.database.pool.clone();
    until("the database is left", async || connections(&watch, &own).await == 0).await;
    let emails = north.items(&north.owner, &format!("/v1/cohorts/{cohort}/emails")).await;
    assert_eq!((emails.len(), &emails[0]["status"]), (1, &json!("sent")));
    assert_eq!(messages(folder.path()).len(), 1, "once, however often it was opened");
}

#[tokio::test]
async fn something_waits_until_it_is_sent() {
    let mut scene = Scene::open().await;
    let (store, clock) = (scene.school.service.executor.store().clone(), scene.school.service.clock.clone());
    let waits = async || waits(&store, clock.now()).await.expect("an answer");
    scene.school.student("Moana", None).await;
    scene.deliver().await;
    assert!(!waits().await);
    scene.send(1).await;
    // SiteStatus to the read models, and taken up by nobody yet.
    assert_eq!(scene.emails("").await.len(), 1);
    assert!(waits().await);
    scene.deliver().await;
    assert!(!waits().await);
}

#[tokio::test]
async fn a_closed_school_sends_nothing_from_its_own_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let hosting = Hosting { keys: keys(A), ..Hosting::default() };
    let service = with(Database::create().await, hosting).await;
    let own = Database::empty().await;
    let north = service.own_site("north", &own).await;
    let cohort = Student::in_site(&north).await.cohort;
    north.command(&north.owner, "SendWeekEmails", json!({"cohort_id": cohort, "week": 1})).await;
    north.items(&north.owner, &format!("/v1/cohorts/{cohort}/emails")).await;
    let reached = service.installation.reach(north.site).await.expect("it is open");
    let known = |closed| SiteDirectory::new(move || SiteStatus { closed, host: Some("north.example.org".to_owned()) });
    let mailer = || {
        let (projections, store) = (reached.state.projections().clone(), own.store());
        Mailer::try_new(projections, store, service.clock.clone(), &settings(folder.path())).expect("a mailer")
    };
    let mut closed = mailer().of_site(known(true));
    assert!(deliver(&mut closed).await.is_some(), "it waits");
    assert!(messages(folder.path()).is_empty());
    closed.close().await;
    service.clock.set(at(NOW) + chrono::TimeDelta::minutes(5));
    let mut open = mailer().of_site(known(false));
    takes_over(&mut open).await;
    assert_eq!(deliver(&mut open).await, None);
    assert!(messages(folder.path())[0].contains("https://north.example.org/"));
}
