//! A school whose cohort is active, and whoever delivers its emails.

use chrono::{DateTime, Utc};
use reqwest::Method;
use rollbook_mail::{Mailer, Round, Secret, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::fake_resend::{FakeResend, KEY};
use crate::harness::{Answer, Service, answer, eventually};
use crate::read_models::SOON;
use crate::school::School;

/// Whom everything is from.
pub const FROM: &str = "Ako school <school@example.org>";

/// A school with emails.
pub struct Scene {
    /// The school; its cohort is active, and its clock stands before the first session.
    pub school: School,
    /// The provider, where it is Resend.
    pub resend: FakeResend,
    /// What delivers.
    pub mailer: Mailer,
    /// The folder, where nothing else delivers.
    pub folder: TempDir,
}

impl Scene {
    /// A school that delivers through Resend.
    pub async fn open() -> Self {
        Self::with(|_| {}).await
    }

    /// A school that delivers otherwise.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let (school, resend) = (School::open().await, FakeResend::start().await);
        school.in_cohort("StartCohort", json!({})).await;
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = settings(&resend, &folder);
        change(&mut settings);
        let mailer = mailer(&school.service, &settings);
        Self { school, resend, mailer, folder }
    }

    /// Rounds until there is nothing to do; when there will be.
    pub async fn deliver(&mut self) -> Option<DateTime<Utc>> {
        deliver(&mut self.mailer).await
    }

    /// Waits until nobody else delivers any more.
    pub async fn takes_over(&mut self) {
        takes_over(&mut self.mailer).await;
    }

    /// Another one that delivers for the same school.
    pub fn another(&self) -> Mailer {
        mailer(&self.school.service, &settings(&self.resend, &self.folder))
    }

    /// Moves the clock to an instant.
    pub fn at(&self, instant: DateTime<Utc>) {
        self.school.service.clock.set(instant);
    }

    /// Asks for a week's emails; the receipt.
    pub async fn send(&self, week: u8) -> Value {
        self.school.in_cohort("SendWeekEmails", json!({ "week": week })).await
    }

    /// The cohort's emails, the newest first.
    pub async fn emails(&self, filter: &str) -> Vec<Value> {
        let path = format!("/v1/cohorts/{}/emails{filter}", self.school.cohort);
        self.school.service.items(&self.school.admin, &path).await
    }

    /// A student's only email.
    pub async fn email(&self, enrolment: &str) -> Value {
        let mut emails = self.emails("").await;
        emails.retain(|email| email["enrolment_id"] == enrolment);
        assert_eq!(emails.len(), 1, "{emails:?}");
        emails.remove(0)
    }

    /// Asks to send an email again.
    pub async fn retry(&self, token: &str, message: &Value) -> Answer {
        let message = message.as_str().expect("an id");
        let path = format!("/v1/cohorts/{}/emails/{message}/retry", self.school.cohort);
        answer(self.school.service.request(Method::POST, token, &path)).await
    }

    /// How many emails have come to each status.
    pub async fn statuses(&self) -> Vec<(String, usize)> {
        let mut counts = std::collections::BTreeMap::new();
        for email in self.emails("").await {
            *counts.entry(email["status"].as_str().expect("a status").to_owned()).or_insert(0) += 1;
        }
        counts.into_iter().collect()
    }

    /// Every message was taken once, and the read models are what the log says.
    pub async fn everything_went_once(&self, messages: usize) {
        let mut ids: Vec<_> = self.resend.taken().iter().map(super::fake_resend::Taken::message_id).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids.len(), all), (messages, messages), "each message was taken once");
        for verified in self.school.service.projections.verify(None, &mut |_| {}).await.expect("a verification") {
            assert_eq!(verified.differing, 0, "{verified:?}");
        }
    }
}

/// What delivers through a provider.
pub fn settings(resend: &FakeResend, folder: &TempDir) -> Settings {
    Settings {
        resend_api_key: Some(Secret::new(KEY)),
        resend_url: Some(resend.url.clone()),
        smtp_url: None,
        from: Some(FROM.to_owned()),
        directory: folder.path().join("emails"),
        public_url: None,
    }
}

/// What delivers for a service.
pub fn mailer(service: &Service, settings: &Settings) -> Mailer {
    let (projections, store) = (service.projections.clone(), service.executor.store().clone());
    Mailer::try_new(projections, store, service.clock.clone(), settings).expect("settings")
}

/// Waits until nobody else delivers any more: the database takes a moment to see that a connection is gone.
pub async fn takes_over(mailer: &mut Mailer) {
    eventually(SOON, "nobody else delivers", async || {
        (mailer.round().await.expect("a round") != Round::NotLeader).then_some(())
    })
    .await;
}

/// Rounds until there is nothing to do; when there will be.
pub async fn deliver(mailer: &mut Mailer) -> Option<DateTime<Utc>> {
    loop {
        match mailer.round().await.expect("a round") {
            Round::Busy => {}
            Round::Idle(next) => return next,
            Round::NotLeader => panic!("another one delivers"),
        }
    }
}
