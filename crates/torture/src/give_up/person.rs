//! A person at their account: invited, with a password, signing in and out, with keys, a calendar's address and uploads. They go
//! away in the middle of any of it; where they cannot know afterwards what is theirs, somebody else comes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::beside::{Beside, Row};
use super::patience::Patience;
use crate::Error;
use crate::load::{Answered, School, Sender, Target, answered, id};

/// The smallest file that is taken for a document.
const DOCUMENT: &[u8] = b"%PDF-1.4\n%%EOF\n";
/// The instant up to which keys are good: days after that at which the service's clock stands.
const EXPIRES: &str = "2026-04-01T00:00:00Z";
/// How often a person does something before the next one comes.
const LIFE: u32 = 40;

/// Who somebody is and what is theirs.
struct Person<'s> {
    id: String,
    email: String,
    password: String,
    session: String,
    sessions: Vec<Row>,
    keys: Vec<(String, Row)>,
    calendar: Option<Row>,
    /// Whether an address was asked for that may still come, and take the place of any later one.
    calendar_to_come: bool,
    world: World<'s>,
    random: StdRng,
    patience: Patience,
}

/// Where they live.
#[derive(Clone, Copy)]
struct World<'s> {
    sender: &'s Sender,
    target: &'s Target,
    school: &'s School,
    beside: &'s Beside,
}

/// What a request came to: an answer, or nothing that anybody knows.
type Outcome = Option<Value>;

/// Lives one life after the other.
pub async fn live(
    sender: &Sender,
    target: &Target,
    school: &School,
    beside: &Beside,
    (mut random, mut patience): (StdRng, Patience),
    stop: &AtomicBool,
) -> Result<(), Error> {
    let world = World { sender, target, school, beside };
    while !stop.load(Ordering::SeqCst) {
        let mut person = Person::come(world, random, patience).await?;
        if person.is_let_in().await? {
            for _ in 0..LIFE {
                if stop.load(Ordering::SeqCst) || !person.does_something().await? {
                    break;
                }
            }
        }
        (random, patience) = (person.random, person.patience);
    }
    Ok(())
}

impl<'s> Person<'s> {
    /// Somebody new, whom nobody has invited.
    async fn come(world: World<'s>, mut random: StdRng, patience: Patience) -> Result<Self, Error> {
        let email = format!("p{:016x}.{}@example.org", random.random::<u64>(), world.school.name);
        let registered = json!({"name": "Somebody", "email": email});
        let id = id(&world.sender.must(&mut random, "RegisterPerson", &registered).await?)?;
        let password = format!("correct horse {:016x}", random.random::<u64>());
        let (session, sessions, keys) = (String::new(), Vec::new(), Vec::new());
        let (calendar, calendar_to_come) = (None, false);
        Ok(Self { id, email, password, session, sessions, keys, calendar, calendar_to_come, world, random, patience })
    }

    /// Is invited and sets a password; whether they know that it is set.
    async fn is_let_in(&mut self) -> Result<bool, Error> {
        let path = format!("/v1/people/{}/invitation", self.id);
        let owner = self.world.target.token.clone();
        let Some(invited) = self.asks("invite", Method::POST, &path, &owner, Some(json!({}))).await? else {
            return Ok(false);
        };
        let link = text(&invited, "link")?;
        let secret = link.rsplit_once('#').map_or(link.as_str(), |(_, secret)| secret).to_owned();
        let row = Row::invitation(&secret);
        self.world.beside.acknowledged(row.clone()).await?;
        self.world.beside.leave(&row);
        let body = json!({"secret": secret, "password": self.password});
        let Some(signed_in) = self.asks("accept", Method::POST, "/v1/invitations/accept", "", Some(body)).await? else {
            return Ok(false);
        };
        self.world.beside.gone(&row).await?;
        self.begins(&signed_in).await?;
        Ok(true)
    }

    /// A session has begun.
    async fn begins(&mut self, signed_in: &Value) -> Result<(), Error> {
        self.session = text(signed_in, "token")?;
        let row = Row::token(&self.session);
        self.sessions.push(row.clone());
        self.world.beside.acknowledged(row).await
    }

    /// Does one thing; whether they know afterwards how they stand.
    async fn does_something(&mut self) -> Result<bool, Error> {
        let session = self.session.clone();
        let beside = self.world.beside;
        match self.random.random_range(0..100) {
            0..15 => {
                let body = json!({"email": self.email, "password": self.password});
                if let Some(signed_in) = self.asks("sign in", Method::POST, "/v1/sign-in", "", Some(body)).await? {
                    self.begins(&signed_in).await?;
                }
            }
            15..40 => {
                let password = &self.password;
                let body = json!({"name": "sheet", "scope": "read", "expires_at": EXPIRES, "password": password});
                if let Some(made) =
                    self.asks("create a key", Method::POST, "/v1/me/api-keys", &session, Some(body)).await?
                {
                    let row = Row::token(&text(&made, "key")?);
                    beside.acknowledged(row.clone()).await?;
                    self.keys.push((text(&made, "key_id")?, row));
                }
            }
            40..55 => {
                if let Some((key, row)) = self.keys.pop() {
                    beside.leave(&row);
                    let path = format!("/v1/me/api-keys/{key}");
                    if self.asks("revoke a key", Method::DELETE, &path, &session, None).await?.is_some() {
                        beside.gone(&row).await?;
                    }
                }
            }
            55..70 if !self.calendar_to_come => {
                self.calendar.iter().for_each(|row| beside.leave(row));
                self.calendar = None;
                let body = json!({"password": self.password});
                let made = self.asks("calendar", Method::POST, "/v1/me/calendar-link", &session, Some(body)).await?;
                self.calendar_to_come = made.is_none();
                if let Some(made) = made {
                    let path = text(&made, "path")?;
                    let secret = path.rsplit('/').next().unwrap_or_default();
                    let row = Row::calendar_link(secret.split('.').next().unwrap_or_default());
                    beside.acknowledged(row.clone()).await?;
                    self.calendar = Some(row);
                }
            }
            55..90 => self.uploads().await?,
            90..95 => {
                let row = Row::token(&session);
                beside.leave(&row);
                if self.asks("sign out", Method::POST, "/v1/sign-out", &session, None).await?.is_none() {
                    return Ok(false);
                }
                beside.gone(&row).await?;
                let body = json!({"email": self.email, "password": self.password});
                let Some(again) = self.asks("sign in", Method::POST, "/v1/sign-in", "", Some(body)).await? else {
                    return Ok(false);
                };
                self.begins(&again).await?;
            }
            _ => {
                let new = format!("correct horse {:016x}", self.random.random::<u64>());
                let body = json!({"current": self.password, "new": new});
                // Everything else that lets them in ends with the old password.
                let own = Row::token(&session);
                let mut others: Vec<_> = self.sessions.drain(..).filter(|row| *row != own).collect();
                others.extend(self.keys.drain(..).map(|(_, row)| row));
                // An address that is still to come may take the place of any other, and may come after this.
                others.extend(self.calendar.take().filter(|_| !self.calendar_to_come));
                for row in &others {
                    beside.leave(row);
                }
                self.sessions.push(own);
                let changed = self.asks("change", Method::POST, "/v1/me/password", &session, Some(body)).await?;
                if changed.is_none() {
                    // Whether it is the old one or the new one, they do not know; their keys and this session are theirs.
                    return Ok(false);
                }
                self.password = new;
                for row in &others {
                    beside.gone(row).await?;
                }
            }
        }
        Ok(true)
    }

    /// Uploads a document, as the owner: the person may not.
    async fn uploads(&mut self) -> Result<(), Error> {
        let World { target, beside, .. } = self.world;
        let url = format!("{}/v1/uploads?name=week.pdf", target.url(&mut self.random));
        let request = target.client.post(url).bearer_auth(&target.token).body(DOCUMENT);
        let request = request.header("content-type", "application/octet-stream");
        if let Some(uploaded) = self.goes("upload", request).await? {
            let id = text(&uploaded, "upload_id")?;
            let id = id.parse().map_err(|_| Error::Broken(format!("an upload without an id: {uploaded}")))?;
            beside.acknowledged(Row::Upload(id)).await?;
        }
        Ok(())
    }

    async fn asks(
        &mut self,
        what: &str,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Result<Outcome, Error> {
        let target = self.world.target;
        let request = target.client.request(method, format!("{}{path}", target.url(&mut self.random)));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let request = body.iter().fold(request, RequestBuilder::json);
        self.goes(what, request).await
    }

    /// Sends a request and waits a while for its answer; none where nobody knows whether it was done.
    async fn goes(&mut self, what: &str, request: RequestBuilder) -> Result<Outcome, Error> {
        match self.patience.for_a_while(what, answered(request)).await {
            None => Ok(None),
            Some(Answered { status: None | Some(503 | 429), .. }) => {
                // The service is being started anew, or has too much to do.
                tokio::time::sleep(Duration::from_millis(self.random.random_range(20..200))).await;
                Ok(None)
            }
            Some(Answered { status: Some(200..=299), json, .. }) => Ok(Some(json)),
            Some(Answered { status: Some(status), json, .. }) => Err(Error::Broken(format!("{what}: {status} {json}"))),
        }
    }
}

fn text(answer: &Value, name: &str) -> Result<String, Error> {
    answer[name].as_str().map(str::to_owned).ok_or_else(|| Error::Broken(format!("an answer without {name}: {answer}")))
}
