//! A school of the service as its owner sets it up over HTTP: by the same commands as anybody's, and waiting where it
//! is told to.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{HOST, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::scene::Person;
use crate::Error;
use crate::load::{Answered, answered, id};

/// How long something is asked for again that is to wait, before the service is taken for lost.
const PATIENCE: Duration = Duration::from_mins(2);
/// The longest that is waited before asking again, whatever the service says.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How many weeks a module has.
pub const WEEKS: u8 = 8;
/// How many days ago cohorts began: every session is over, and reflections may still be handed in.
const BEGAN_DAYS_AGO: i64 = 52;
/// What everybody's password is.
const PASSWORD: &str = "seven green herons at low tide";

/// A school.
#[derive(Clone, Debug)]
pub struct School {
    client: Client,
    url: String,
    host: Option<String>,
    /// The token of its owner, or of a super admin.
    pub owner: String,
}

/// A cohort that has begun, with its hub.
#[derive(Clone, Debug)]
pub struct Cohort {
    /// Its id.
    pub id: String,
    /// The hub that its students meet in.
    pub hub: String,
}

impl School {
    /// The school on a host of the service; without one, the default one.
    pub fn new(client: Client, url: &str, host: Option<&str>, owner: &str) -> Self {
        Self { client, url: url.to_owned(), host: host.map(str::to_owned), owner: owner.to_owned() }
    }

    /// A request, to be sent by the caller.
    pub fn request(&self, method: Method, token: &str, path: &str) -> RequestBuilder {
        self.request_by(&self.client, method, token, path)
    }

    /// The same by another client.
    pub fn request_by(&self, client: &Client, method: Method, token: &str, path: &str) -> RequestBuilder {
        let request = client.request(method, format!("{}{path}", self.url));
        let request = self.host.iter().fold(request, |request, host| request.header(HOST, host));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    /// Sends something that must be done, and again whenever it is to wait; the answer.
    pub async fn must(&self, method: Method, token: &str, path: &str, body: Value) -> Result<Value, Error> {
        let began = Instant::now();
        loop {
            let Answered { status, headers, json, text } =
                answered(self.request(method.clone(), token, path).json(&body)).await;
            match status {
                Some(200..=299) => return Ok(json),
                Some(429 | 503) if began.elapsed() < PATIENCE => {
                    let told = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                    tokio::time::sleep(Duration::from_secs(told.unwrap_or(1)).min(LONGEST_WAIT)).await;
                }
                _ => return Err(Error::Broken(format!("{method} {path}: {status:?} {text}"))),
            }
        }
    }

    /// Has its owner command something; the receipt.
    pub async fn command(&self, name: &str, body: Value) -> Result<Value, Error> {
        self.must(Method::POST, &self.owner, &format!("/v1/commands/{name}"), body).await
    }

    /// Has its owner make something; its id.
    pub async fn create(&self, name: &str, body: Value) -> Result<String, Error> {
        id(&self.command(name, body).await?)
    }

    /// Somebody new; their id and address.
    pub async fn registered(&self, name: &str) -> Result<(String, String), Error> {
        let host = self.host.as_deref().unwrap_or("quiet.test");
        let email = format!("{}@{host}", name.to_lowercase().replace(' ', "."));
        Ok((self.create("RegisterPerson", json!({"name": name, "email": email})).await?, email))
    }

    /// Somebody new, with a role or without, who has signed in.
    pub async fn person(&self, name: &str, role: Option<&str>) -> Result<Person, Error> {
        let (id, email) = self.registered(name).await?;
        if let Some(role) = role {
            // It ends every way in that there was before it.
            self.command("GrantRole", json!({"person_id": id, "role": role})).await?;
        }
        let invitation = format!("/v1/people/{id}/invitation");
        let invited = self.must(Method::POST, &self.owner, &invitation, json!({})).await?;
        let link = invited["link"].as_str().and_then(|link| link.split_once('#'));
        let secret = link.ok_or_else(|| Error::Broken(format!("an invitation without a link: {invited}")))?.1;
        let accept = json!({"secret": secret, "password": PASSWORD});
        let accepted = self.must(Method::POST, "", "/v1/invitations/accept", accept).await?;
        let token = accepted["token"].as_str().map(str::to_owned);
        let token = token.ok_or_else(|| Error::Broken("a session without a token".to_owned()))?;
        Ok(Person { id, email, password: PASSWORD.to_owned(), token })
    }

    /// A cohort whose sessions are over, in a hub of its own.
    pub async fn cohort(&self) -> Result<Cohort, Error> {
        let module = json!({"code": "T-1", "title": "Endurance", "weeks": WEEKS});
        let module = self.create("DefineModule", module).await?;
        let began = DateTime::<Utc>::from(std::time::SystemTime::now()) - TimeDelta::days(BEGAN_DAYS_AGO);
        let cohort = json!({"module_id": module, "name": "The cohort", "starts_on": began.date_naive(),
            "session_start": "10:00", "timezone": "Europe/Oslo"});
        let id = self.create("ScheduleCohort", cohort).await?;
        self.command("StartCohort", json!({"cohort_id": id})).await?;
        let hub = self.create("FoundHub", json!({"name": "The hub"})).await?;
        Ok(Cohort { id, hub })
    }

    /// A person enrolled; the enrolment's id.
    pub async fn enrolled(&self, cohort: &Cohort, person: &str) -> Result<String, Error> {
        let body = json!({"cohort_id": cohort.id, "person_id": person, "hub_id": cohort.hub});
        self.create("EnrolStudent", body).await
    }
}
