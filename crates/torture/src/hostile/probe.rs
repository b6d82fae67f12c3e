//! The people who must not be harmed, doing what they usually do, at a steady rate: each request has an instant at which it is due,
//! and its time counts from that instant, whatever became of those before it. What they are told is written down.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Method, RequestBuilder};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::school::WEEKS;
use super::stage::Quiet;
use crate::Error;
use crate::load::{Answered, answered};
use crate::receipts::Acknowledged;

/// The address that they have, which is none of the attackers'.
const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// How long they wait for an answer, which is longer than the service lets any request take: then it is lost.
const LOST: Duration = Duration::from_secs(40);
/// How often somebody signs in with a password.
const SIGN_IN_EVERY: Duration = Duration::from_secs(2);
/// How often somebody asks how the service is.
const HEALTH_EVERY: Duration = Duration::from_millis(250);

/// A client with their address, which keeps its connections.
pub fn client() -> Result<Client, Error> {
    built(Client::builder())
}

fn built(client: ClientBuilder) -> Result<Client, Error> {
    client.local_address(FROM).build().map_err(|error| Error::Broken(format!("a client: {error}")))
}

/// What they ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Lists, records and marks.
    Work,
    /// A session.
    SignIn,
    /// How the service is.
    Health,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// How long lists, records and marks took, in order; those that were lost count as long as they were waited for.
    pub work: Vec<Duration>,
    /// How long sign-ins took, in order.
    pub sign_ins: Vec<Duration>,
    /// How long the service took to say how it is, in order.
    pub health: Vec<Duration>,
    /// Answers that nothing justifies: 5xx.
    pub failed: u64,
    /// Answers that told them to ask less: 429.
    pub refused: u64,
    /// Requests that had no answer in time.
    pub lost: u64,
    /// Other refusals, the first of which is kept: all that they ask for is theirs to ask.
    pub wrong: Option<String>,
    /// How many marks were acknowledged.
    pub acknowledged: u64,
}

/// Their people.
#[derive(Debug)]
pub struct Probe {
    client: Client,
    /// What opens a connection for each request: whoever signs in or looks after the service comes anew.
    newcomer: Client,
    quiet: Quiet,
    per_second: u32,
    acknowledged: Acknowledged,
}

impl Probe {
    /// People of a school who ask for so much a second, and write down what was acknowledged.
    pub fn try_new(quiet: Quiet, per_second: u32, acknowledged: Acknowledged) -> Result<Arc<Self>, Error> {
        let (client, newcomer) = (client()?, built(Client::builder().pool_max_idle_per_host(0))?);
        Ok(Arc::new(Self { client, newcomer, quiet, per_second, acknowledged }))
    }

    /// Asks for as long as this, and waits for the last answers.
    pub async fn run(self: &Arc<Self>, while_: Duration) -> Result<Figures, Error> {
        let figures = Arc::new(Mutex::new(Figures::default()));
        let begins = Instant::now();
        let mut asked = JoinSet::new();
        let work = Duration::from_secs(1) / self.per_second;
        let mut schedule: Vec<_> = [(Kind::Work, work), (Kind::SignIn, SIGN_IN_EVERY), (Kind::Health, HEALTH_EVERY)]
            .into_iter()
            .flat_map(|(kind, every)| {
                let due = (0_u32..).map(move |nth| (every * nth, nth, kind));
                due.take_while(move |(due, ..)| *due < while_)
            })
            .collect();
        schedule.sort_by_key(|(due, ..)| *due);
        for (due, nth, kind) in schedule {
            let due = begins + due;
            sleep_until(due).await;
            let (probe, figures) = (Arc::clone(self), Arc::clone(&figures));
            asked.spawn(async move { probe.asks(kind, nth as usize, due, &figures).await });
        }
        while let Some(ended) = asked.join_next().await {
            ended.unwrap_or_else(|error| Err(Error::Broken(error.to_string())))?;
        }
        let mut figures = std::mem::take(&mut *figures.lock().unwrap_or_else(PoisonError::into_inner));
        for times in [&mut figures.work, &mut figures.sign_ins, &mut figures.health] {
            times.sort_unstable();
        }
        Ok(figures)
    }

    async fn asks(&self, kind: Kind, nth: usize, due: Instant, figures: &Mutex<Figures>) -> Result<(), Error> {
        let key = Uuid::new_v4();
        let request = match kind {
            Kind::Work => self.work(nth, key),
            Kind::SignIn => self.sign_in(nth),
            Kind::Health => self.by(&self.newcomer, Method::GET, "", ["/healthz", "/readyz"][nth % 2]),
        };
        let answer = answered(request.timeout(LOST)).await;
        let took = due.elapsed();
        let acknowledged = answer.json["command_id"] == json!(key);
        if acknowledged {
            self.acknowledged.write(&answer.json)?;
        }
        let mut figures = figures.lock().unwrap_or_else(PoisonError::into_inner);
        figures.acknowledged += u64::from(acknowledged);
        match kind {
            Kind::Work => figures.work.push(took),
            Kind::SignIn => figures.sign_ins.push(took),
            Kind::Health => figures.health.push(took),
        }
        let Answered { status, text, .. } = answer;
        match status {
            Some(200..=299) => {}
            None => figures.lost += 1,
            Some(429) => figures.refused += 1,
            Some(500..=599) => figures.failed += 1,
            Some(status) => figures.wrong = figures.wrong.take().or(Some(format!("{kind:?}: {status} {text}"))),
        }
        Ok(())
    }

    fn request(&self, method: Method, token: &str, path: &str) -> RequestBuilder {
        self.by(&self.client, method, token, path)
    }

    fn by(&self, client: &Client, method: Method, token: &str, path: &str) -> RequestBuilder {
        self.quiet.school.request_by(client, method, token, path)
    }

    /// What people do all day: of twenty requests eight read a roster, six a record, four who they are, and two mark who was there.
    fn work(&self, nth: usize, key: Uuid) -> RequestBuilder {
        let Quiet { cohort, coordinator, students, .. } = &self.quiet;
        let (round, in_round) = (nth / 20, nth % 20);
        let (student, enrolment) = &students[round % students.len()];
        let marks = |enrolments: &[&str]| {
            let week = 1 + round % usize::from(WEEKS);
            let status = ["present", "late"][(round / usize::from(WEEKS)) % 2];
            let marks: Vec<_> =
                enrolments.iter().map(|enrolment| json!({"enrolment_id": enrolment, "status": status})).collect();
            let body = json!({"cohort_id": cohort, "week": week, "marks": marks});
            let request = self.request(Method::POST, &coordinator.token, "/v1/commands/TakeAttendance");
            request.header("Idempotency-Key", key.to_string()).json(&body)
        };
        match in_round {
            0 => marks(&students.iter().map(|(_, enrolment)| enrolment.as_str()).collect::<Vec<_>>()),
            10 => marks(&[enrolment]),
            _ if in_round % 5 < 2 => self.request(Method::GET, &student.token, "/v1/me"),
            _ if in_round % 2 == 0 => self.request(Method::GET, &student.token, &format!("/v1/enrolments/{enrolment}")),
            _ => self.request(Method::GET, &coordinator.token, &format!("/v1/cohorts/{cohort}/roster")),
        }
    }

    fn sign_in(&self, nth: usize) -> RequestBuilder {
        let (student, _) = &self.quiet.students[nth % self.quiet.students.len()];
        let body = json!({"email": student.email, "password": student.password});
        self.by(&self.newcomer, Method::POST, "", "/v1/sign-in").json(&body)
    }
}

/// The time that so many of a thousand were not above; nothing of nothing.
pub fn quantile(sorted: &[Duration], of_a_thousand: usize) -> Duration {
    let rank = (sorted.len() * of_a_thousand).div_ceil(1_000);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_time_that_so_many_were_not_above() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        for (of_a_thousand, milliseconds) in [(500, 100), (990, 198), (999, 200), (1_000, 200)] {
            assert_eq!(quantile(&times, of_a_thousand), Duration::from_millis(milliseconds));
        }
        assert_eq!(quantile(&times[..1], 500), Duration::from_millis(1));
        assert_eq!(quantile(&[], 990), Duration::ZERO);
    }
}
