//! The schools that a run is about, on an installation that is new: one that must not be harmed, which is the default
//! one, and two that mean harm. It is set by commands over HTTP, and with a database of its own for the last.

use std::time::Duration;

use futures::future::try_join_all;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::database::{Databases, Gate};
use super::scene::{Greedy, Own, Person, Scene};
use super::school::{School, WEEKS};
use crate::Error;
use crate::load::{answered, id};

/// How many students the school that must not be harmed has, and how many of them sign in.
const STUDENTS: usize = 36;
const SIGNED_IN: usize = 6;
/// How many students the greedy school has, each of whom has written something for every week.
const GREEDY_STUDENTS: usize = 25;
/// How often the greedy student has written anew what was written already, before any attack.
const REVISIONS: usize = 100;
/// How many write at the same time while the scene is set.
const AT_ONCE: usize = 4;
/// The characters of the longest reflection, of three bytes each.
pub const LONGEST_TEXT: usize = 20_000;
/// The hosts of the schools that mean harm.
const GREEDY_HOST: &str = "greedy.test";
const OWN_HOST: &str = "own.test";
/// How long a school with a new database may take until it answers.
const READY: Duration = Duration::from_mins(1);

/// What is set.
#[derive(Debug)]
pub struct Stage {
    /// What the attackers are told.
    pub scene: Scene,
    /// The school that must not be harmed.
    pub quiet: Quiet,
    /// What the last school's database is behind.
    pub gate: Gate,
}

/// A school whose people do no more than they should.
#[derive(Clone, Debug)]
pub struct Quiet {
    /// The school.
    pub school: School,
    /// Its cohort.
    pub cohort: String,
    /// The coordinator of its hub.
    pub coordinator: Person,
    /// Some students who have signed in, with their enrolments.
    pub students: Vec<(Person, String)>,
    /// The enrolments of all its students.
    pub enrolments: Vec<String>,
}

impl Stage {
    /// Sets it, as a super admin of a service whose default school is empty.
    pub async fn set(url: &str, super_admin: &str, client: Client, databases: &Databases) -> Result<Self, Error> {
        let default = School::new(client.clone(), url, None, super_admin);
        let quiet = Quiet::open(default.clone()).await?;
        let greedy = open_site(&default, "greedy", Some(GREEDY_HOST), false).await?;
        let greedy_school = School::new(client.clone(), url, Some(GREEDY_HOST), super_admin);
        ready(&greedy_school, &greedy).await?;
        let greedy = greedy_school_of(&greedy_school).await?;
        let own = open_site(&default, "own", Some(OWN_HOST), true).await?;
        let gate = Gate::open(databases.own_address()).await?;
        let path = format!("/v1/sites/{own}/database");
        let given = json!({"url": databases.own_url(gate.address)?});
        default.must(Method::PUT, super_admin, &path, given).await?;
        ready(&School::new(client, url, Some(OWN_HOST), super_admin), &own).await?;
        let wanting = open_site(&default, "wanting", None, true).await?;
        let own = Own { host: OWN_HOST.to_owned(), database: gate.address, wanting };
        let scene = Scene { url: url.to_owned(), super_admin: super_admin.to_owned(), greedy, own };
        Ok(Self { scene, quiet, gate })
    }
}

impl Quiet {
    async fn open(school: School) -> Result<Self, Error> {
        let cohort = school.cohort().await?;
        let coordinator = school.person("Coralie Coordinator", None).await?;
        school.command("AppointCoordinator", json!({"hub_id": cohort.hub, "person_id": coordinator.id})).await?;
        let (mut students, mut enrolments) = (Vec::new(), Vec::new());
        for nth in 1..=STUDENTS {
            let name = format!("Student {nth}");
            if nth > SIGNED_IN {
                let (student, _) = school.registered(&name).await?;
                enrolments.push(school.enrolled(&cohort, &student).await?);
                continue;
            }
            let student = school.person(&name, None).await?;
            let enrolment = school.enrolled(&cohort, &student.id).await?;
            enrolments.push(enrolment.clone());
            students.push((student, enrolment));
        }
        Ok(Self { school, cohort: cohort.id, coordinator, students, enrolments })
    }
}

/// Opens a school; its id.
async fn open_site(default: &School, slug: &str, host: Option<&str>, own_database: bool) -> Result<String, Error> {
    let open = json!({"slug": slug, "name": format!("School {slug}"), "own_database": own_database,
        "owner_email": format!("owner@{slug}.test")});
    let site = default.create("OpenSite", open).await?;
    if let Some(host) = host {
        default.command("SetSiteHosts", json!({"site_id": site, "hosts": [{"host": host}]})).await?;
    }
    Ok(site)
}

/// Waits until a school answers.
async fn ready(school: &School, what: &str) -> Result<(), Error> {
    let answers = async {
        while answered(school.request(Method::GET, &school.owner, "/v1/people")).await.status != Some(200) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let late = |_| Error::Broken(format!("the school {what} does not answer after {READY:?}"));
    tokio::time::timeout(READY, answers).await.map_err(late)
}

/// Fills the greedy school: as much as it is let write, before anything is measured.
async fn greedy_school_of(school: &School) -> Result<Greedy, Error> {
    let cohort = school.cohort().await?;
    let admin = school.person("Ada Admin", Some("admin")).await?;
    let instructor = school.person("Ines Instructor", None).await?;
    let appoint = json!({"cohort_id": cohort.id, "person_id": instructor.id, "lead": true});
    school.command("AppointInstructor", appoint).await?;
    let mut students = Vec::new();
    for nth in 1..=GREEDY_STUDENTS {
        let student = school.person(&format!("Greedy {nth}"), None).await?;
        let enrolment = school.enrolled(&cohort, &student.id).await?;
        let week = json!({"enrolment_id": enrolment, "week": WEEKS, "reason": "All weeks are open"});
        school.command("SetWeek", week).await?;
        students.push((student, enrolment));
    }
    for some in students.chunks(AT_ONCE) {
        try_join_all(some.iter().map(async |(student, enrolment)| {
            for week in 1..=WEEKS {
                writes(school, student, &reflection(enrolment, week, 0)).await?;
            }
            Ok::<_, Error>(())
        }))
        .await?;
    }
    let (student, enrolment) =
        students.into_iter().next().ok_or_else(|| Error::Broken("a school without students".to_owned()))?;
    for nth in 1..=REVISIONS {
        if !writes(school, &student, &reflection(&enrolment, 1, nth)).await? {
            // There is a limit to it, which is as well.
            break;
        }
    }
    let asked = answered(school.request(Method::GET, &school.owner, "/v1/people")).await;
    let position = asked.headers.get("rollbook-position").and_then(|value| value.to_str().ok()?.parse().ok());
    let position = position.ok_or_else(|| Error::Broken(format!("an answer without a position: {}", asked.text)))?;
    Ok(Greedy { host: GREEDY_HOST.to_owned(), cohort: cohort.id, student, enrolment, instructor, admin, position })
}

/// Hands a reflection in; whether it was taken. A refusal is a limit of the service's, and no error.
async fn writes(school: &School, student: &Person, body: &Value) -> Result<bool, Error> {
    let request = school.request(Method::POST, &student.token, "/v1/commands/SubmitReflection").json(body);
    let answer = answered(request).await;
    match answer.status {
        Some(200) => id(&answer.json).map(|_| true),
        Some(409 | 413 | 422 | 429) => Ok(false),
        status => Err(Error::Broken(format!("a reflection: {status:?} {}", answer.text))),
    }
}

/// The longest reflection that may be written, which differs by a number from others.
pub fn reflection(enrolment: &str, week: u8, nth: usize) -> Value {
    let nth = nth.to_string();
    let text = format!("{nth}{}", "龍".repeat(LONGEST_TEXT - nth.len()));
    json!({"enrolment_id": enrolment, "week": week, "text": text, "visibility": "cohort"})
}
