//! The past is answered as it was answered then.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, answer};
use crate::school::{School, Student};

/// A story in which everything changes that a roster shows. Each step is told to `then`, with the day that it was.
async fn story(school: &School, mut then: impl AsyncFnMut(&str)) -> [Student; 3] {
    let day = |day: u8| format!("2026-02-{day:02}T12:00:00Z");
    school.service.now(&day(1));
    let students = [
        school.student("Zoë", Some(&school.north)).await,
        school.student("ana", Some(&school.south)).await,
        school.student("Žan", None).await,
    ];
    then(&day(1)).await;
    let [zoe, ana, zan] = &students;
    school.service.now(&day(19));
    let about = |student: &Student, more: Value| {
        let mut body = json!({"enrolment_id": student.enrolment});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    for week in 1..=3 {
        school.mark(zoe, week, "absent").await;
    }
    then(&day(19)).await;
    let steps = [
        ("MarkAttendance", about(ana, json!({"week": 1, "status": "late", "note": "the bus"}))),
        ("CorrectPerson", json!({"person_id": zoe.person, "name": "Aroha"})),
        ("HoldStudent", about(zoe, json!({"reason": "to talk first"}))),
        ("RenameHub", json!({"hub_id": school.north, "name": "Te Tai Tokerau"})),
        ("ResolveAbsenceFlag", about(zoe, json!({"reason": "talked"}))),
        ("AssignMarker", about(zan, json!({"marker_id": school.markers[0]}))),
        ("JoinHub", about(zan, json!({"hub_id": school.north}))),
        ("CorrectPerson", json!({"person_id": school.markers[0], "name": "Marama"})),
        ("AdvanceStudent", about(ana, json!({"to_week": 2}))),
        ("WithdrawStudent", about(ana, json!({"reason": "moved away"}))),
        ("MarkAttendance", about(zoe, json!({"week": 3, "status": "present"}))),
        ("JoinHub", about(zoe, json!({"hub_id": school.south}))),
    ];
    for (date, (command, body)) in (20..).zip(steps) {
        let instant = if date <= 28 { day(date) } else { format!("2026-03-{:02}T12:00:00Z", date - 28) };
        school.service.now(&instant);
        school.command(command, body).await;
        then(&instant).await;
    }
    students
}

/// The paths that can be asked of the past.
fn paths(school: &School, enrolments: &[String]) -> Vec<String> {
    let cohort = format!("/v1/cohorts/{}", school.cohort);
    let lists = ["roster", "roster?held=true", "roster?flagged=true", "roster?format=csv", "roster?limit=2"];
    let lists = lists.map(|list| format!("{cohort}/{list}"));
    let hub = format!("{cohort}/roster?hub_id={}", school.north);
    let flags = ["absence-flags", "absence-flags?format=csv"].map(|list| format!("{cohort}/{list}"));
    let records = enrolments.iter().map(|enrolment| format!("/v1/enrolments/{enrolment}"));
    lists.into_iter().chain([hub]).chain(flags).chain(records).collect()
}

async fn as_of(school: &School, token: &str, path: &str, moment: &str) -> Answer {
    let joint = if path.contains('?') { '&' } else { '?' };
    school.service.ask(token, &format!("{path}{joint}as_of={moment}")).await
}

#[tokio::test]
async fn every_moment_of_the_past_is_answered_as_it_was_then() {
    let school = School::open().await;
    let mut answered: Vec<(String, i64, String, String)> = Vec::new();
    let roster = format!("/v1/cohorts/{}/roster", school.cohort);
    story(&school, async |instant: &str| {
        let rows = school.service.items(&school.owner, &roster).await;
        let enrolments: Vec<String> = rows.iter().map(|row| row["enrolment_id"].to_string().replace('"', "")).collect();
        let head = school.service.executor.store().head().await.expect("the head");
        for path in paths(&school, &enrolments) {
            let now = school.service.ask(&school.owner, &path).await;
            assert_eq!(now.status, 200, "{path}: {}", now.text);
            answered.push((path, head, instant.to_owned(), now.text));
        }
    })
    .await;
    let mut different = std::collections::BTreeSet::new();
    for (path, position, instant, text) in &answered {
        for moment in [position.to_string(), instant.clone()] {
            let then = as_of(&school, &school.owner, path, &moment).await;
            assert_eq!(then.status, 200, "{path} as of {moment}: {}", then.text);
            assert_eq!(then.text, *text, "{path} as of {moment}");
            assert_eq!(then.headers["rollbook-position"], position.to_string(), "{path} as of {moment}");
        }
        different.insert(text);
    }
    assert!(different.len() > 40, "the story changes what is shown: {}", different.len());
}

#[tokio::test]
async fn the_past_is_paged_like_the_present() {
    let school = School::open().await;
    let mut positions = Vec::new();
    story(&school, async |_: &str| positions.push(school.service.executor.store().head().await.expect("the head")))
        .await;
    for list in ["roster", "absence-flags"] {
        let path = format!("/v1/cohorts/{}/{list}", school.cohort);
        for position in &positions {
            let whole = as_of(&school, &school.owner, &path, &position.to_string()).await.json["items"].clone();
            let mut paged = Vec::new();
            let mut after = String::new();
            loop {
                let page =
                    as_of(&school, &school.owner, &format!("{path}?limit=1{after}"), &position.to_string()).await;
                paged.extend(page.json["items"].as_array().expect("items").clone());
                let Some(next) = page.json["next"].as_str() else { break };
                after = format!("&after={next}");
            }
            assert_eq!(Value::from(paged), whole, "{path} as of {position}");
        }
        let wrong = as_of(&school, &school.owner, &format!("{path}?after=nonsense"), &positions[0].to_string()).await;
        assert_eq!(wrong.status, 422, "{}", wrong.text);
    }
    // The next page of a CSV is of the same moment.
    let path = format!("/v1/cohorts/{}/roster?format=csv&limit=1", school.cohort);
    let csv = as_of(&school, &school.owner, &path, &positions[0].to_string()).await;
    let link = csv.headers["link"].to_str().expect("text");
    assert!(link.contains(&format!("as_of={}", positions[0])), "{link}");
}

#[tokio::test]
async fn rights_are_those_of_today_over_the_rows_of_then() {
    let school = School::open().await;
    let mut positions = Vec::new();
    let [zoe, ana, _] =
        story(&school, async |_: &str| positions.push(school.service.executor.store().head().await.expect("the head")))
            .await;
    let (first, last) = (positions[0].to_string(), positions[positions.len() - 1].to_string());
    let names = async |token: &str, moment: &str| -> Vec<String> {
        let roster = as_of(&school, token, &format!("/v1/cohorts/{}/roster", school.cohort), moment).await;
        assert_eq!(roster.status, 200, "{}", roster.text);
        let items = roster.json["items"].as_array().expect("items").clone();
        items.iter().map(|row| row["name"].as_str().expect("a name").to_owned()).collect()
    };
    // Zoë was in the north at first and is in the south now: whoever looks after a hub sees who is there today, as they
    // were then.
    assert_eq!(names(&school.coordinator, &first).await, ["Žan"]);
    assert_eq!(names(&school.coordinator, &last).await, ["Žan"]);
    assert_eq!(names(&school.other_coordinator, &first).await, ["ana", "Zoë"]);
    assert_eq!(names(&school.other_coordinator, &last).await, ["ana", "Aroha"]);
    assert_eq!(names(&school.instructor, &first).await.len(), 3);
    let record = format!("/v1/enrolments/{}", zoe.enrolment);
    assert_eq!(as_of(&school, &school.coordinator, &record, &first).await.status, 404);
    assert_eq!(as_of(&school, &school.coordinator, &record, &last).await.status, 404);
    assert_eq!(as_of(&school, &school.other_coordinator, &record, &first).await.json["hub"], "Northland");
    // A coordinator of today sees the past with today's appointment, and has lost it with it.
    school.appoint_coordinator(&school.north, &school.markers[1]).await;
    let roster = format!("/v1/cohorts/{}/roster", school.cohort);
    assert_eq!(as_of(&school, &school.coordinator, &roster, &first).await.status, 404);
    let student = school.service.token(&ana.person).await;
    let own = format!("/v1/enrolments/{}", ana.enrolment);
    assert_eq!(as_of(&school, &student, &own, &first).await.status, 200);
    assert_eq!(as_of(&school, &student, &record, &first).await.status, 404);
    assert_eq!(as_of(&school, &student, &roster, &first).await.status, 403);
}

/// What somebody is shown of three students.
#[derive(Clone, Copy)]
enum Shown<'a> {
    /// Lists with these students, and their records.
    Students(&'a [&'a str]),
    /// Lists are refused so; records of these students.
    Refused(u16, &'a [&'a str]),
}

#[tokio::test]
async fn the_past_is_shown_to_whoever_has_the_right_today() {
    let school = School::open().await;
    let (north, south) = (&school.north, &school.south);
    school.service.now("2026-02-01T12:00:00Z");
    let students = [
        school.student("Zoë", Some(north)).await,
        school.student("Ana", Some(south)).await,
        school.student("Žan", Some(north)).await,
    ];
    let [zoe, ana, _] = &students;
    let former_instructor = school.person("Former Instructor").await;
    school.in_cohort("AppointInstructor", json!({"person_id": former_instructor})).await;
    school.service.now("2026-02-19T12:00:00Z");
    for student in &students {
        for week in 1..=3 {
            school.mark(student, week, "absent").await;
        }
    }
    let head = async || school.service.executor.store().head().await.expect("the head").to_string();
    let before = head().await;
    school.command("JoinHub", json!({"enrolment_id": zoe.enrolment, "hub_id": south})).await;
    school.command("JoinHub", json!({"enrolment_id": ana.enrolment, "hub_id": north})).await;
    let between = head().await;
    // The others are appointed, and dismissed, only after the moves.
    let newcomer = school.person("New Coordinator").await;
    school.appoint_coordinator(north, &newcomer).await;
    school.in_cohort("DismissInstructor", json!({"person_id": former_instructor})).await;
    let new_instructor = school.person("New Instructor").await;
    school.in_cohort("AppointInstructor", json!({"person_id": new_instructor})).await;
    let stranger = school.person("Stranger").await;
    let token = async |person: &str| school.service.token(person).await;
    let everybody = Shown::Students(&["Zoë", "Ana", "Žan"]);
    let table = [
        ("owner", school.owner.clone(), everybody),
        ("admin", school.admin.clone(), everybody),
        ("instructor", school.instructor.clone(), everybody),
        ("instructor who came later", token(&new_instructor).await, everybody),
        ("marker", school.marker.clone(), everybody),
        ("coordinator of the north who came later", token(&newcomer).await, Shown::Students(&["Ana", "Žan"])),
        ("coordinator of the south", school.other_coordinator.clone(), Shown::Students(&["Zoë"])),
        ("coordinator who was dismissed", school.coordinator.clone(), Shown::Refused(404, &[])),
        ("instructor who was dismissed", token(&former_instructor).await, Shown::Refused(404, &[])),
        ("student", token(&zoe.person).await, Shown::Refused(403, &["Zoë"])),
        ("stranger", token(&stranger).await, Shown::Refused(404, &[])),
    ];
    let cohort = format!("/v1/cohorts/{}", school.cohort);
    let lists = ["roster", "roster?format=csv", "roster?flagged=true", "absence-flags", "absence-flags?format=csv"];
    for moment in [&before, &between, &head().await] {
        for (who, token, shown) in &table {
            for list in lists {
                let answer = as_of(&school, token, &format!("{cohort}/{list}"), moment).await;
                let (status, listed): (_, &[&str]) = match shown {
                    Shown::Students(listed) => (200, listed),
                    Shown::Refused(status, _) => (*status, &[]),
                };
                assert_eq!(answer.status, status, "{list} for the {who} as of {moment}: {}", answer.text);
                for Student { name, enrolment, .. } in &students {
                    let there = (answer.text.contains(name.as_str()), answer.text.contains(enrolment.as_str()));
                    let expected = listed.contains(&name.as_str());
                    assert_eq!(
                        there,
                        (expected, expected),
                        "{name} in {list} for the {who} as of {moment}: {}",
                        answer.text
                    );
                }
            }
            let (Shown::Students(records) | Shown::Refused(_, records)) = shown;
            for Student { name, enrolment, .. } in &students {
                let answer = as_of(&school, token, &format!("/v1/enrolments/{enrolment}"), moment).await;
                let status = if records.contains(&name.as_str()) { 200 } else { 404 };
                assert_eq!(answer.status, status, "{name}'s record for the {who} as of {moment}: {}", answer.text);
            }
        }
        // What is shown is the past: where they were then.
        let hub = if *moment == before { "Southland" } else { "Northland" };
        let record = as_of(&school, &table[5].1, &format!("/v1/enrolments/{}", ana.enrolment), moment).await;
        assert_eq!(record.json["hub"], hub, "as of {moment}");
        let in_the_north = format!("{cohort}/roster?hub_id={north}");
        let roster = as_of(&school, &table[5].1, &in_the_north, moment).await;
        let names: Vec<_> = roster.json["items"].as_array().expect("items").iter().map(|row| &row["name"]).collect();
        let then: &[&str] = if *moment == before { &["Žan"] } else { &["Ana", "Žan"] };
        assert_eq!(names, then, "those whom they see today, and who met there as of {moment}");
    }
}

#[tokio::test]
async fn what_was_not_yet_there_is_not_found_and_what_is_yet_to_come_is_refused() {
    let school = School::open().await;
    let before = school.service.executor.store().head().await.expect("the head");
    let student = school.student("Zoë", None).await;
    let head = school.service.executor.store().head().await.expect("the head");
    let roster = format!("/v1/cohorts/{}/roster", school.cohort);
    let flags = format!("/v1/cohorts/{}/absence-flags", school.cohort);
    let record = format!("/v1/enrolments/{}", student.enrolment);
    for path in [&roster, &flags, &record] {
        for moment in ["0", "1", "1999-12-31T23:59:59Z"] {
            let answer = as_of(&school, &school.owner, path, moment).await;
            assert_eq!((answer.status, &answer.json["code"]), (404, &json!("not_found")), "{path} as of {moment}");
        }
        for moment in [(head + 1).to_string(), "soon".to_owned(), String::new(), "-1".to_owned()] {
            let answer = as_of(&school, &school.owner, path, &moment).await;
            assert_eq!(answer.status, 422, "{path} as of {moment}: {}", answer.text);
            assert_eq!(answer.json["errors"][0]["parameter"], "as_of", "{}", answer.text);
        }
        let both = format!("{path}?min_position={head}");
        assert_eq!(as_of(&school, &school.owner, &both, &head.to_string()).await.status, 200, "{both}");
        assert_eq!(as_of(&school, "", path, "1").await.status, 401);
    }
    let empty = as_of(&school, &school.owner, &roster, &before.to_string()).await;
    assert_eq!((empty.status, &empty.json["items"]), (200, &json!([])), "the cohort was there, and empty");
    assert_eq!(as_of(&school, &school.owner, &record, &before.to_string()).await.status, 404);
    let elsewhere = school.service.ask(&school.owner, "/v1/modules?as_of=1").await;
    assert_eq!(elsewhere.status, 422, "nothing else is asked of the past");
}

#[tokio::test]
async fn a_rebuild_of_the_tables_changes_nothing_about_the_past() {
    let school = School::open().await;
    school.student("Zoë", Some(&school.north)).await;
    let head = school.service.executor.store().head().await.expect("the head").to_string();
    let path = format!("/v1/cohorts/{}/roster", school.cohort);
    let before = as_of(&school, &school.owner, &path, &head).await;
    for model in ["roster", "people", "hubs", "cohorts"] {
        let rebuild = format!("/v1/projections/{model}/rebuild");
        let done = answer(school.service.request(Method::POST, &school.owner, &rebuild)).await;
        assert_eq!(done.status, 200, "{model}: {}", done.text);
        // On every connection, also those that have been asked before.
        for _ in 0..20 {
            let after = as_of(&school, &school.owner, &path, &head).await;
            assert_eq!((after.status, &after.text), (200, &before.text), "{model}");
        }
    }
}
