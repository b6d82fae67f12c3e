//! A whole term of 68 students, over HTTP alone: imported, taught, held and released, written to, marked, brought to the
//! end and reported on. Afterwards every message has gone once, and every read model is what the log says.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use rollbook_mail::Mailer;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::emails::fake_resend::{FakeResend, Mood};
use crate::emails::scene::{deliver, mailer, settings};
use crate::harness::answer;
use crate::school::School;

/// 66 people who are new, two who are known, one who is there twice, one whose address is none.
const ROSTER: &str = include_str!("../../fixtures/rosters/autumn.csv");
/// The weeks of the module.
const WEEKS: u8 = 8;

/// The school in the course of the term.
struct Term {
    school: School,
    resend: FakeResend,
    mailer: Mailer,
    /// The markers' tokens, with who they are.
    markers: Vec<(String, String)>,
    /// The student and week of every email that a week is open.
    told: BTreeSet<(String, u64)>,
    /// How many emails say that a reflection was marked.
    marked: usize,
    _folder: TempDir,
}

/// A student as the roster has them.
#[derive(Clone, Debug)]
struct Student(Value);

impl Student {
    fn id(&self) -> &str {
        self.text("enrolment_id")
    }

    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }

    fn week(&self) -> u64 {
        self.0["week"].as_u64().expect("a week")
    }

    fn held(&self) -> bool {
        self.0["held"] == true
    }

    fn active(&self) -> bool {
        self.0["status"] == "active"
    }
}

impl Term {
    async fn open() -> Self {
        let school = School::open().await;
        let tui = json!({"name": "Tui Known", "email": "tui@example.org", "external_id": "LW-1"});
        school.command("RegisterPerson", tui).await;
        school.command("RegisterPerson", json!({"name": "Kahu Known", "email": "Kahu@example.org"})).await;
        let third = school.person("Marker 2").await;
        school.in_cohort("AppointMarker", json!({"person_id": third})).await;
        let mut markers = Vec::new();
        for marker in [&school.markers[0], &school.markers[1], &third] {
            markers.push((marker.clone(), school.service.token(marker).await));
        }
        let (resend, folder) = (FakeResend::start().await, tempfile::tempdir().expect("a folder"));
        let mailer = mailer(&school.service, &settings(&resend, &folder));
        Self { school, resend, mailer, markers, told: BTreeSet::new(), marked: 0, _folder: folder }
    }

    /// An admin's command about the cohort.
    async fn admin(&self, command: &str, mut body: Value) -> Value {
        body["cohort_id"] = json!(self.school.cohort);
        self.school.service.command(&self.school.admin, command, body).await
    }

    /// An admin's command about a student.
    async fn about(&self, student: &str, command: &str, mut body: Value) {
        body["enrolment_id"] = json!(student);
        self.school.service.command(&self.school.admin, command, body).await;
    }

    async fn students(&self) -> Vec<Student> {
        let path = format!("/v1/cohorts/{}/roster", self.school.cohort);
        self.school.service.items(&self.school.admin, &path).await.into_iter().map(Student).collect()
    }

    async fn import(&self) -> Value {
        let path = format!("/v1/cohorts/{}/roster-import?commit=true", self.school.cohort);
        let request = self.school.service.request(Method::POST, &self.school.admin, &path);
        let done = answer(request.header("content-type", "text/csv").body(ROSTER)).await;
        assert_eq!(done.status, 200, "{}", done.text);
        done.json["counts"].clone()
    }

    /// How many students each marker has, the most first.
    async fn loads(&self) -> Vec<u64> {
        let path = format!("/v1/marking-queue/counts?cohort_id={}", self.school.cohort);
        let counts = self.school.service.get(&self.school.admin, &path).await;
        let items = counts["items"].as_array().expect("items");
        let mut loads: Vec<u64> = items.iter().map(|item| item["students"].as_u64().expect("a number")).collect();
        loads.sort_unstable_by(|a, b| b.cmp(a));
        loads
    }

    /// An evening: everybody's attendance, by the coordinators of their hubs and by an admin at the flagship.
    async fn evening(&self, week: u8, students: &[Student]) {
        let cohort = self.school.service.get(&self.school.admin, &format!("/v1/cohorts/{}", self.school.cohort)).await;
        let session = &cohort["sessions"][usize::from(week) - 1];
        self.school.service.now(session["starts_at"].as_str().expect("an instant"));
        let takers = [
            (self.school.north.as_str(), &self.school.coordinator),
            (self.school.south.as_str(), &self.school.other_coordinator),
            ("", &self.school.admin),
        ];
        for (hub, token) in takers {
            let here =
                students.iter().enumerate().filter(|(_, student)| student.active() && student.text("hub_id") == hub);
            let marks: Vec<Value> =
                here.map(|(nth, student)| json!({"enrolment_id": student.id(), "status": status(nth, week)})).collect();
            assert!(!marks.is_empty(), "somebody meets there");
            let body = json!({"cohort_id": self.school.cohort, "week": week, "marks": marks});
            self.school.service.command(token, "TakeAttendance", body).await;
        }
    }

    /// Opens the next week for those who go on, and tells them.
    async fn advance(&mut self, to_week: u8, hold: &[&Student], override_flags: &[&Student]) -> Value {
        let because = |students: &[&Student], reason: &str| -> Vec<Value> {
            students.iter().map(|student| json!({"enrolment_id": student.id(), "reason": reason})).collect()
        };
        let body = json!({"to_week": to_week, "hold": because(hold, "Wait for us."),
            "override_flags": because(override_flags, "We have talked.")});
        self.admin("AdvanceCohort", body).await
    }

    /// Tells those who are in a week that it is open; nobody twice, and nobody who is held.
    async fn tell(&mut self, week: u8) {
        let students = self.students().await;
        let meant = students.iter().filter(|s| s.active() && !s.held() && s.week() == u64::from(week));
        let meant: BTreeSet<_> = meant.map(|student| (student.id().to_owned(), u64::from(week))).collect();
        let receipt = self.admin("SendWeekEmails", json!({"week": week})).await;
        let requested = receipt["requested"].as_array().expect("a list").len();
        assert_eq!(requested, meant.difference(&self.told).count(), "week {week}");
        self.told.extend(meant);
        let again = self.admin("SendWeekEmails", json!({"week": week})).await;
        assert_eq!(again["events"], json!([]), "asking twice sends nothing more");
        self.deliver().await;
    }

    /// Delivers until nothing waits, however often it has to be tried.
    async fn deliver(&mut self) {
        while let Some(next) = deliver(&mut self.mailer).await {
            self.school.service.clock.set(next);
        }
    }

    /// Two of three students write about the week.
    async fn write(&self, week: u8, students: &[Student]) {
        for (nth, student) in students.iter().enumerate() {
            if !student.active() || student.week() < u64::from(week) || (nth + usize::from(week)).is_multiple_of(3) {
                continue;
            }
            let visibility = if nth.is_multiple_of(2) { "cohort" } else { "private" };
            self.submit(student.id(), student.text("person_id"), week, visibility).await;
        }
    }

    async fn submit(&self, enrolment: &str, person: &str, week: u8, visibility: &str) {
        let token = self.school.service.token(person).await;
        let text = format!("What week {week} was to me.");
        let body = json!({"enrolment_id": enrolment, "week": week, "text": text, "visibility": visibility});
        self.school.service.command(&token, "SubmitReflection", body).await;
    }

    /// Every marker marks until nothing waits; who failed writes again, and is marked again.
    async fn mark(&mut self, students: &[Student]) {
        let people: BTreeMap<&str, &str> = students.iter().map(|s| (s.id(), s.text("person_id"))).collect();
        let mut nth = 0;
        for (_, token) in &self.markers {
            loop {
                let path = format!("/v1/marking-queue/next?cohort_id={}", self.school.cohort);
                let head = self.school.service.get(token, &path).await;
                let item = &head["item"];
                if item.is_null() {
                    break;
                }
                nth += 1;
                let (enrolment, week) = (item["enrolment_id"].as_str().expect("an id"), &item["week"]);
                let fails = item["earlier"] == json!([]) && nth % 10 == 0;
                let outcome = if fails { "fail" } else { "pass" };
                let mark =
                    json!({"enrolment_id": enrolment, "week": week, "outcome": outcome, "feedback": "I read it."});
                self.school.service.command(token, "MarkReflection", mark).await;
                self.marked += 1;
                if fails {
                    let week = u8::try_from(week.as_u64().expect("a week")).expect("a week");
                    self.submit(enrolment, people[enrolment], week, "private").await;
                }
            }
        }
    }
}

/// Those who go on from this week, if nothing holds them.
fn here(students: &[Student], week: u8) -> impl Iterator<Item = &Student> {
    students.iter().filter(move |student| student.week() == u64::from(week) && !student.held())
}

/// The third and the fourth student are absent in three weeks, some others now and then.
fn status(nth: usize, week: u8) -> &'static str {
    match (nth, week) {
        (3 | 4, 1 | 3 | 5) => "absent",
        _ => match (nth * 7 + usize::from(week) * 5) % 29 {
            0 => "absent",
            1 => "late",
            2 => "excused",
            _ => "present",
        },
    }
}

#[tokio::test]
async fn a_term_of_68_students_from_the_import_to_the_report() {
    let mut term = Term::open().await;
    let counts = term.import().await;
    assert_eq!(counts, json!({"new": 66, "known": 2, "updated": 0, "unchanged": 0, "wrong": 2}));
    term.admin("StartCohort", json!({})).await;
    term.admin("AllocateMarkers", json!({})).await;
    assert_eq!(term.loads().await, [23, 23, 22]);
    let first = term.students().await;
    assert_eq!(first.len(), 68);

    for week in 1..WEEKS {
        let students = term.students().await;
        term.evening(week, &students).await;
        let flagged: Vec<Student> = term.students().await.into_iter().filter(|s| s.0["flagged"] == true).collect();
        let to_week = week + 1;
        match week {
            2 => {
                // Two are held; one of them is released after the emails, and catches up by the third evening.
                let receipt = term.advance(to_week, &[&students[10], &students[11]], &[]).await;
                assert_eq!(receipt["held"].as_array().expect("held").len(), 2);
                term.tell(to_week).await;
                let release = json!({"reason": "She has caught up.", "to_week": to_week});
                term.about(students[10].id(), "ReleaseStudent", release).await;
            }
            3 => {
                term.advance(to_week, &[], &[]).await;
                // The provider is out of order for a while: nobody is told twice for it.
                term.resend.will([
                    Mood::Says(500, "application_error", None),
                    Mood::TakesAndDrops,
                    Mood::Says(429, "rate_limit_exceeded", Some(1)),
                ]);
                term.tell(to_week).await;
            }
            4 => {
                // One is pulled back before the emails go, and is in the week again only later.
                term.advance(to_week, &[], &[]).await;
                term.about(students[20].id(), "SetWeek", json!({"week": week, "reason": "Not yet."})).await;
                term.tell(to_week).await;
                let back = term.told.contains(&(students[20].id().to_owned(), u64::from(to_week)));
                assert!(!back, "who was pulled back is told nothing");
                term.about(students[20].id(), "SetWeek", json!({"week": to_week, "reason": "Now."})).await;
            }
            5 => {
                assert!(flagged.iter().any(|s| s.id() == students[3].id()), "three absences raise the flag");
                // A flag holds whoever nobody has talked to.
                let talked: Vec<&Student> = here(&flagged, week).filter(|s| s.id() != students[3].id()).collect();
                let receipt = term.advance(to_week, &[], &talked).await;
                assert_eq!(receipt["held"], json!([students[3].id()]));
                term.tell(to_week).await;
                let (gone, _) = term.markers.remove(1);
                term.admin("DismissMarker", json!({"person_id": gone, "reallocate": true})).await;
                assert_eq!(term.loads().await, [34, 34], "the students of the one who left are divided");
            }
            _ => {
                let talked: Vec<&Student> = here(&flagged, week).collect();
                term.advance(to_week, &[], &talked).await;
                term.tell(to_week).await;
            }
        }
        let students = term.students().await;
        term.write(week, &students).await;
        term.mark(&students).await;
        term.deliver().await;
    }

    // Those who were left behind come to the end with the others.
    for student in term.students().await.iter().filter(|s| s.active() && s.week() < u64::from(WEEKS)) {
        if student.held() {
            term.about(student.id(), "ReleaseStudent", json!({"reason": "The end is near."})).await;
        }
        term.about(student.id(), "SetWeek", json!({"week": WEEKS, "reason": "For the last evening."})).await;
    }
    let students = term.students().await;
    term.evening(WEEKS, &students).await;
    term.write(WEEKS, &students).await;
    term.mark(&students).await;
    term.admin("CompleteCohort", json!({})).await;
    term.deliver().await;
    done(&term).await;
}

/// What must be so at the end.
async fn done(term: &Term) {
    let service = &term.school.service;
    let queue = service.items(&term.school.admin, "/v1/marking-queue?marker=all").await;
    assert_eq!(queue, Vec::<Value>::new(), "everything is marked");
    let report = service.get(&term.school.admin, &format!("/v1/cohorts/{}/report", term.school.cohort)).await;
    assert_eq!(
        (&report["students"]["completed"], &report["completion"]),
        (&json!(68), &json!({"count": 68, "of": 68}))
    );
    let holds = report["holds"].as_array().expect("holds");
    assert!(holds.len() >= 3 && holds.iter().all(|hold| hold["released_at"].is_string()));
    let weeks = report["weeks"].as_array().expect("weeks");
    assert!(weeks.iter().all(|week| week["unmarked"] == 0 && week["submitted"] == 0));

    let emails = service.items(&term.school.admin, &format!("/v1/cohorts/{}/emails", term.school.cohort)).await;
    let opened: Vec<_> = emails.iter().filter(|email| email["kind"] == "week_open").collect();
    let told: BTreeSet<_> = opened
        .iter()
        .map(|email| {
            (email["enrolment_id"].as_str().expect("an id").to_owned(), email["week"].as_u64().expect("a week"))
        })
        .collect();
    assert_eq!((told.len(), &told), (opened.len(), &term.told), "each student who went on was told once, nobody else");
    assert!(opened.iter().all(|email| email["status"] == "sent"));
    // A mark that was changed before it was sent is not sent any more.
    let (sent, left): (Vec<_>, Vec<_>) = emails.iter().partition(|email| email["status"] == "sent");
    assert!(left.iter().all(|email| email["status"] == "skipped" && email["kind"] == "reflection_marked"));
    assert_eq!(emails.len(), term.told.len() + term.marked, "one for each week and one for each mark");
    let mut taken: Vec<_> = term.resend.taken().iter().map(crate::emails::fake_resend::Taken::message_id).collect();
    assert_eq!(taken.len(), sent.len(), "the provider has taken as many");
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken.len(), sent.len(), "and none twice");
    for verified in service.projections.verify(None, &mut |_| {}).await.expect("a verification") {
        assert_eq!(verified.differing, 0, "{verified:?}");
    }
}
