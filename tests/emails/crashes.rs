//! The service as a process, killed while a request is with the provider: whatever the provider has done with it, each message
//! is taken once.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::fake_resend::{FakeResend, KEY, Mood};
use super::scene::FROM;
use crate::binary::program::{Home, Running};
use crate::harness::{Database, answer, client, eventually};
use crate::survival::scene::{command, token};
use std::time::Duration;

/// A process that delivers through the provider, and where it listens.
fn serve<'home>(home: &'home Home, database: &Database, resend: &FakeResend) -> (Running<'home>, String) {
    let mut serve = command(home, Some(&database.url), &["serve", "--listen", "127.0.0.1:0"]);
    serve.env("RESEND_API_KEY", KEY).env("ROLLBOOK_RESEND_URL", &resend.url).env("ROLLBOOK_EMAIL_FROM", FROM);
    let mut running = home.start(&mut serve);
    let url = running.listens();
    (running, url)
}

/// Whoever sends commands.
struct Owner {
    token: String,
    cohort: String,
}

impl Owner {
    async fn sends(&self, url: &str, name: &str, body: Value) -> Value {
        let request = client().post(format!("{url}/v1/commands/{name}")).bearer_auth(&self.token).json(&body);
        let answer = answer(request).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
        answer.json
    }

    async fn makes(&self, url: &str, name: &str, body: Value) -> String {
        self.sends(url, name, body).await["streams"][0]["id"].as_str().expect("an id").to_owned()
    }

    /// An active cohort with three students.
    async fn open(home: &Home, database: &Database, url: &str) -> Self {
        let mut owner = Self { token: token(home, Some(&database.url)), cohort: String::new() };
        let module = owner.makes(url, "DefineModule", json!({"code": "AKO-1", "title": "Ako"})).await;
        let cohort = json!({"module_id": module, "name": "Tūī", "starts_on": "2026-03-20", "session_start": "19:00",
            "timezone": "Pacific/Auckland"});
        owner.cohort = owner.makes(url, "ScheduleCohort", cohort).await;
        owner.sends(url, "StartCohort", json!({"cohort_id": owner.cohort})).await;
        for nth in 0..3 {
            let person = json!({"name": format!("Student {nth}"), "email": format!("student{nth}@example.org")});
            let person = owner.makes(url, "RegisterPerson", person).await;
            owner.sends(url, "EnrolStudent", json!({"cohort_id": owner.cohort, "person_id": person})).await;
        }
        owner
    }

    /// The cohort's emails, at the end of the log.
    async fn emails(&self, url: &str, database: &Database) -> Vec<Value> {
        let head = database.store().head().await.expect("a head");
        let path = format!("{url}/v1/cohorts/{}/emails?min_position={head}", self.cohort);
        let answer = answer(client().get(path).bearer_auth(&self.token)).await;
        answer.json["items"].as_array().unwrap_or_else(|| panic!("{}", answer.text)).clone()
    }

    /// Waits until all three are sent.
    async fn are_sent(&self, url: &str, database: &Database) -> Vec<Value> {
        eventually(Duration::from_mins(2), "all three are sent", async || {
            let emails = self.emails(url, database).await;
            (emails.len() == 3 && emails.iter().all(|email| email["status"] == "sent")).then_some(emails)
        })
        .await
    }
}

fn taken_once(resend: &FakeResend) {
    let mut to: Vec<_> = resend.taken().iter().map(super::fake_resend::Taken::to).collect();
    to.sort_unstable();
    assert_eq!(to, ["student0@example.org", "student1@example.org", "student2@example.org"]);
    let requests = resend.requests();
    assert!(requests.iter().all(|request| *request == requests[0]), "the same request under the same key");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_provider_has_taken_a_batch_it_is_not_taken_again() {
    for mood in [Mood::TakesAndHangs, Mood::Hangs] {
        let (home, database, resend) = (Home::new(), Database::create().await, FakeResend::start().await);
        let (process, url) = serve(&home, &database, &resend);
        let owner = Owner::open(&home, &database, &url).await;
        resend.will([mood]);
        owner.sends(&url, "SendWeekEmails", json!({"cohort_id": owner.cohort, "week": 1})).await;
        resend.has_had(1).await;
        assert_eq!(process.end(Signal::SIGKILL).signal, Some(9));
        let (process, url) = serve(&home, &database, &resend);
        let emails = owner.are_sent(&url, &database).await;
        assert!(emails.iter().all(|email| email["attempts"] == 2), "{emails:?}");
        taken_once(&resend);
        let metrics = answer(client().get(format!("{url}/metrics"))).await.text;
        assert!(metrics.contains("rollbook_emails_total{status=\"sent\"} 3"), "{metrics}");
        assert!(!metrics.contains("student0"), "{metrics}");
        let ended = process.end(Signal::SIGTERM).done();
        assert!(!ended.err.contains('@') && !ended.err.contains(KEY), "{}", ended.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_takes_over_from_one_that_was_killed() {
    let (home, database, resend) = (Home::new(), Database::create().await, FakeResend::start().await);
    let (first, url) = serve(&home, &database, &resend);
    let owner = Owner::open(&home, &database, &url).await;
    resend.will([Mood::TakesAndHangs]);
    owner.sends(&url, "SendWeekEmails", json!({"cohort_id": owner.cohort, "week": 1})).await;
    resend.has_had(1).await;
    let (second, url) = serve(&home, &database, &resend);
    let sending = owner.emails(&url, &database).await;
    assert!(sending.iter().all(|email| email["status"] == "sending"), "{sending:?}");
    assert_eq!(first.end(Signal::SIGKILL).signal, Some(9));
    owner.are_sent(&url, &database).await;
    taken_once(&resend);
    second.end(Signal::SIGTERM).done();
}
