//! The people who must not be harmed, doing what they usually do, at a steady rate: each request has an instant at
//! which it is due, and its time counts from that instant, whatever became of those before it. What they are told is
//! written down.

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
/// How long a connection is kept that nobody uses: not so long that the service ends it just when somebody does.
const KEPT: Duration = Duration::from_secs(10);
/// How often somebody signs in with a password.
const SIGN_IN_EVERY: Duration = Duration::from_secs(2);
/// How many are marked together.
const GROUP: usize = 6;
/// How often somebody asks how the service is.
const HEALTH_EVERY: Duration = Duration::from_millis(250);

/// A client with their address, which keeps its connections.
pub fn client() -> Result<Client, Error> {
    built(Client::builder())
}

fn built(client: ClientBuilder) -> Result<Client, Error> {
    client
        .local_address(FROM)
        .pool_idle_timeout(KEPT)
        .build()
        .map_err(|error| Error::Broken(format!("a client: {error}")))
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
    /// Other refusals: all that they ask for is theirs to ask.
    pub wrong: u64,
    /// The first of all these.
    pub first: Option<String>,
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
        if answer.json["command_id"] == json!(key) {
            self.acknowledged.write(&answer.json)?;
        }
        let mut figures = figures.lock().unwrap_or_else(PoisonError::into_inner);
        match kind {
            Kind::Work => figures.work.push(took),
            Kind::SignIn => figures.sign_ins.push(took),
            Kind::Health => figures.health.push(took),
        }
        let Answered { status, text, .. } = answer;
        match status {
            Some(200..=299) => return Ok(()),
            None => figures.lost += 1,
            Some(429) => figures.refused += 1,
            Some(500..=599) => figures.failed += 1,
            Some(_) => figures.wrong += 1,
        }
        let first = || format!("{kind:?} {nth} after {} ms: {status:?} {text}", took.as_millis());
        figures.first.get_or_insert_with(first);
        Ok(())
    }

    fn request(&self, method: Method, token: &str, path: &str) -> RequestBuilder {
        self.by(&self.client, method, token, path)
    }

    fn by(&self, client: &Client, method: Method, token: &str, path: &str) -> RequestBuilder {
        self.quiet.school.request_by(client, method, token, path)
    }

    /// What people do all day: of twenty requests about a third read a roster, a third a record, a third who they are,
    /// and two mark who was there, of one and of several students: not of the same as those before, who may still be
    /// waiting.
    fn work(&self, nth: usize, key: Uuid) -> RequestBuilder {
        let Quiet { cohort, coordinator, students, enrolments, .. } = &self.quiet;
        let (round, in_round) = (nth / 20, nth % 20);
        let (student, enrolment) = &students[round % students.len()];
        let marks = |together: usize| {
            // Students by groups, then weeks, then what is said of them: each time something else.
            let groups: Vec<_> = enrolments.chunks(together).collect();
            let (group, times) = (groups[round % groups.len()], round / groups.len());
            let (week, times) = (1 + times % usize::from(WEEKS), times / usize::from(WEEKS));
            let status = ["present", "late"][times % 2];
            let marks: Vec<_> = group.iter().map(|one| json!({"enrolment_id": one, "status": status})).collect();
            let body = json!({"cohort_id": cohort, "week": week, "marks": marks});
            let request = self.request(Method::POST, &coordinator.token, "/v1/commands/TakeAttendance");
            request.header("Idempotency-Key", key.to_string()).json(&body)
        };
        match (in_round, in_round % 3) {
            (0, _) => marks(GROUP),
            (10, _) => marks(1),
            (_, 0) => self.request(Method::GET, &student.token, "/v1/me"),
            (_, 1) => self.request(Method::GET, &student.token, &format!("/v1/enrolments/{enrolment}")),
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
