//! Calendars, read by a parser that is not the one that wrote them.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use icalendar::parser::{Component, read_calendar, unfold};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::answer;
use crate::school::{AFTER, School};

/// A calendar's sessions and zones, as the parser has them.
struct Calendar(String);

impl Calendar {
    async fn of(school: &School, token: &str, path: &str) -> Self {
        let head = school.service.executor.store().head().await.expect("the log's head");
        let joint = if token.is_empty() { String::new() } else { format!("?min_position={head}") };
        let answer = school.service.ask(token, &format!("{path}{joint}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.headers["content-type"], "text/calendar; charset=utf-8");
        assert!(answer.text.split("\r\n").all(|line| line.len() <= 75), "lines are folded (RFC 5545, 3.1)");
        Self(unfold(&answer.text))
    }

    fn sessions(&self) -> Vec<Session> {
        let calendar = read_calendar(&self.0).expect("a calendar");
        let zones: Vec<_> = calendar.components.iter().filter(|c| c.name == "VTIMEZONE").collect();
        let events = calendar.components.iter().filter(|c| c.name == "VEVENT");
        events.map(|event| Session::read(event, &zones)).collect()
    }
}

#[derive(Debug)]
struct Session {
    uid: String,
    sequence: u32,
    status: String,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    description: Option<String>,
}

impl Session {
    fn read(event: &Component<'_>, zones: &[&Component<'_>]) -> Self {
        Self {
            uid: value(event, "UID"),
            sequence: value(event, "SEQUENCE").parse().expect("a number"),
            status: value(event, "STATUS"),
            starts_at: instant(event, "DTSTART", zones),
            ends_at: instant(event, "DTEND", zones),
            description: event.find_prop("DESCRIPTION").map(|property| property.val.to_string()),
        }
    }
}

fn value(component: &Component<'_>, name: &str) -> String {
    component.find_prop(name).unwrap_or_else(|| panic!("no {name} in {component:?}")).val.to_string()
}

fn local(component: &Component<'_>, name: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(&value(component, name), "%Y%m%dT%H%M%S").expect("a local time")
}

/// The instant, by the offsets that the calendar itself gives: those of the last change of the clocks before.
fn instant(event: &Component<'_>, name: &str, zones: &[&Component<'_>]) -> DateTime<Utc> {
    let property = event.find_prop(name).expect("a time");
    let zone = property.params.iter().find(|parameter| parameter.key == "TZID").expect("a zone");
    let zone = zone.val.as_ref().expect("its name").to_string();
    let zone = zones.iter().find(|known| value(known, "TZID") == zone).expect("a zone that the calendar explains");
    let local_time = local(event, name);
    let mut observances: Vec<_> = zone.components.iter().collect();
    observances.sort_by_key(|observance| local(observance, "DTSTART"));
    let current = observances.into_iter().rfind(|o| local(o, "DTSTART") <= local_time).expect("an offset that holds");
    let ahead = value(current, "TZOFFSETTO");
    let (hours, minutes): (i64, i64) = (ahead[..3].parse().expect("hours"), ahead[3..5].parse().expect("minutes"));
    (local_time - TimeDelta::hours(hours) - TimeDelta::minutes(minutes)).and_utc()
}

fn at(instant: &Value) -> DateTime<Utc> {
    instant.as_str().expect("text").parse().expect("an instant")
}

#[tokio::test]
async fn a_cohorts_calendar_says_when_every_session_is_also_across_a_change_of_the_clocks() {
    let school = School::with(json!({"starts_on": "2026-03-17"})).await;
    let path = format!("/v1/cohorts/{}", school.cohort);
    let sessions = Calendar::of(&school, &school.owner, &format!("{path}/calendar.ics")).await.sessions();
    let cohort = school.service.get(&school.owner, &path).await;
    assert_eq!(sessions.len(), 8);
    for (session, known) in sessions.iter().zip(cohort["sessions"].as_array().expect("sessions")) {
        assert_eq!(session.starts_at, at(&known["starts_at"]));
        assert_eq!(session.ends_at - session.starts_at, TimeDelta::minutes(120));
        assert_eq!((session.sequence, session.status.as_str()), (0, "CONFIRMED"));
    }
    // The clocks go back on the fifth of April: one hour later in UTC, at the same time on the wall.
    let hours: Vec<String> = sessions.iter().map(|s| s.starts_at.format("%H").to_string()).collect();
    assert_eq!(hours, ["08", "08", "08", "09", "09", "09", "09", "09"]);
}

#[tokio::test]
async fn a_session_that_moves_or_is_cancelled_stays_the_same_session_with_a_higher_sequence() {
    let school = School::open().await;
    let path = format!("/v1/cohorts/{}/calendar.ics", school.cohort);
    let before = Calendar::of(&school, &school.owner, &path).await.sessions();
    let moved = json!({"week": 2, "starts_at": "2026-02-11T07:30:00Z", "minutes": 90, "reason": "The hall is taken"});
    school.in_cohort("RescheduleSession", moved).await;
    school.in_cohort("CancelSession", json!({"week": 3, "reason": "Waitangi"})).await;
    let after = Calendar::of(&school, &school.owner, &path).await.sessions();
    let uids = |sessions: &[Session]| sessions.iter().map(|s| s.uid.clone()).collect::<Vec<_>>();
    assert_eq!(uids(&before), uids(&after));
    assert_eq!((after[1].sequence, after[1].status.as_str()), (1, "CONFIRMED"));
    assert_eq!(after[1].starts_at, "2026-02-11T07:30:00Z".parse::<DateTime<Utc>>().expect("an instant"));
    assert_eq!(after[1].ends_at - after[1].starts_at, TimeDelta::minutes(90));
    let said = after[1].description.as_deref().expect("what it was before");
    assert!(said.contains("Tuesday 10 February 2026"), "{said}");
    assert!(!said.contains("hall"), "a reason is for those who read the audit: {said}");
    assert_eq!((after[2].sequence, after[2].status.as_str()), (1, "CANCELLED"));
    assert_eq!((after[3].sequence, after[3].status.as_str()), (0, "CONFIRMED"));
}

#[tokio::test]
async fn a_cohort_that_is_called_off_cancels_what_was_to_come() {
    let school = School::open().await;
    let path = format!("/v1/cohorts/{}/calendar.ics", school.cohort);
    school.service.now("2026-02-20T00:00:00Z");
    school.in_cohort("CancelCohort", json!({"reason": "Too few"})).await;
    let sessions = Calendar::of(&school, &school.owner, &path).await.sessions();
    let cancelled: Vec<bool> = sessions.iter().map(|session| session.status == "CANCELLED").collect();
    assert_eq!(cancelled, [false, false, false, true, true, true, true, true]);
}

#[tokio::test]
async fn a_persons_calendar_opens_by_its_secret_address_until_another_takes_its_place() {
    let school = School::open().await;
    let student = school.student("Wiremu", Some(&school.north)).await;
    let token = school.service.token(&student.person).await;
    let issue = async |token: &str| {
        let issued = answer(school.service.request(Method::POST, token, "/v1/me/calendar-link")).await;
        issued.json["path"].as_str().expect("a path").to_owned()
    };
    let first = issue(&token).await;
    assert_eq!(Calendar::of(&school, "", &first).await.sessions().len(), 8);
    for other in [&school.coordinator, &school.instructor, &school.marker] {
        let link = issue(other).await;
        assert_eq!(Calendar::of(&school, "", &link).await.sessions().len(), 8, "what they go to with others");
    }
    let nothing = issue(&school.other_coordinator).await;
    assert_eq!(Calendar::of(&school, "", &nothing).await.sessions().len(), 0, "nobody of this cohort is in that hub");

    let second = issue(&token).await;
    assert_ne!(first, second);
    assert_eq!(school.service.ask("", &first).await.status, 404);
    assert_eq!(Calendar::of(&school, "", &second).await.sessions().len(), 8);
    assert_eq!(school.service.ask(&second["/calendar/".len()..], "/v1/me").await.status, 401, "it is no token");

    school.command("WithdrawStudent", json!({"enrolment_id": student.enrolment, "reason": "Moved"})).await;
    assert_eq!(Calendar::of(&school, "", &second).await.sessions().len(), 0);
    school.command("DeactivatePerson", json!({"person_id": student.person, "reason": "Left"})).await;
    assert_eq!(school.service.ask("", &second).await.status, 404);
}

#[tokio::test]
async fn a_revoked_calendar_is_gone_and_one_that_never_was_looks_the_same() {
    let school = School::open().await;
    let request = |method| school.service.request(method, &school.marker, "/v1/me/calendar-link");
    let issued = answer(request(Method::POST)).await;
    let path = issued.json["path"].as_str().expect("a path");
    assert_eq!(answer(request(Method::DELETE)).await.status, 204);
    assert_eq!(answer(request(Method::DELETE)).await.status, 204, "already so");
    let gone = school.service.ask("", path).await;
    let never = school.service.ask("", "/calendar/nothing.ics").await;
    assert_eq!((gone.status, &gone.text), (404, &never.text));
    assert_eq!(school.service.ask("", "/calendar/nothing").await.text, never.text);
    assert_eq!(answer(school.service.request(Method::POST, "", "/v1/me/calendar-link")).await.status, 401);
}

#[tokio::test]
async fn a_cohorts_calendar_is_for_those_who_have_to_do_with_it() {
    let school = School::open().await;
    school.service.now(AFTER);
    let path = format!("/v1/cohorts/{}/calendar.ics", school.cohort);
    let stranger = school.person("Stranger").await;
    let stranger = school.service.token(&stranger).await;
    assert_eq!(school.service.ask(&stranger, &path).await.status, 404);
    let student = school.student("Wiremu", None).await;
    let student = school.service.token(&student.person).await;
    assert_eq!(school.service.ask(&student, &path).await.status, 200);
    assert_eq!(school.service.ask("", &path).await.status, 401);
}
