//! A cohort's report: its figures, its forms, and who may read it.

use rollbook_projections::models::report::{CohortReport, Rate};
use serde_json::json;

use crate::school::{AFTER, School};

/// Three students: one who is there and writes, one who is held and released, one who leaves.
async fn told() -> School {
    let school = School::open().await;
    school.service.now(AFTER);
    let students = school.students(3).await;
    for (student, status) in students.iter().zip(["present", "late", "absent"]) {
        school.mark(student, 1, status).await;
    }
    school.mark(&students[0], 2, "excused").await;
    let token = school.service.token(&students[0].person).await;
    let reflection = json!({"enrolment_id": students[0].enrolment, "week": 1, "text": "So.", "visibility": "private"});
    school.service.command(&token, "SubmitReflection", reflection).await;
    let hold = json!({"enrolment_id": students[1].enrolment, "reason": "<b>Came late</b>"});
    school.command("HoldStudent", hold).await;
    school.command("ReleaseStudent", json!({"enrolment_id": students[1].enrolment, "reason": "Caught up"})).await;
    school.command("HoldStudent", json!({"enrolment_id": students[1].enrolment, "reason": "Late again"})).await;
    school.command("WithdrawStudent", json!({"enrolment_id": students[2].enrolment, "reason": "Moved"})).await;
    school
}

fn path(school: &School, form: &str) -> String {
    format!("/v1/cohorts/{}/report{form}", school.cohort)
}

fn rate(count: u32, of: u32) -> Rate {
    Rate { count, of }
}

#[tokio::test]
async fn adds_up_what_happened() {
    let school = told().await;
    let report = school.service.get(&school.owner, &path(&school, "")).await;
    let report: CohortReport = serde_json::from_value(report).expect("a report");
    assert_eq!((report.students.enrolled, report.students.active, report.students.withdrawn), (3, 2, 1));
    assert_eq!((report.attendance, report.reflections, report.completion), (rate(2, 3), rate(1, 3), rate(0, 3)));
    let first = &report.weeks[0];
    assert_eq!((first.present, first.late, first.absent, first.submitted), (1, 1, 1, 1));
    assert_eq!((report.weeks[1].excused, report.weeks[1].attendance), (1, rate(0, 0)));
    let held: Vec<_> = report.holds.iter().map(|hold| (hold.week, hold.released_at.is_some())).collect();
    assert_eq!(held, [(1, true), (1, false)]);
    assert_eq!(report.holds[0].reason.as_ref().expect("why").as_str(), "<b>Came late</b>");
    assert_eq!(report.holds[0].release_reason.as_ref().expect("why").as_str(), "Caught up");
    assert_eq!(report.holds[0].held_by.as_ref().expect("who").name.as_str(), "Ọlá Owner");
}

#[tokio::test]
async fn comes_as_a_sheet_with_a_column_for_every_week_that_was_marked() {
    let school = told().await;
    let head = school.service.executor.store().head().await.expect("the log's head");
    let sheet = school.service.ask(&school.owner, &format!("{}?min_position={head}", path(&school, ".csv"))).await;
    assert_eq!(
        (sheet.status, &sheet.headers["content-type"]),
        (200, &"text/csv; charset=utf-8".parse().expect("text"))
    );
    let mut lines = sheet.text.lines();
    let expected = "enrolment_id,name,hub,status,moved,week,held,attendance 1,attendance 2,attended_of,attended_count,\
        reflections 1,written_of,written_count";
    assert_eq!(lines.next(), Some(expected));
    let first = lines.next().expect("a student");
    assert!(first.ends_with(",Student 01,Northland,active,false,1,false,present,excused,1,1,submitted,1,1"), "{first}");
}

#[tokio::test]
async fn the_page_fetches_nothing_and_escapes_what_people_wrote() {
    let school = told().await;
    let head = school.service.executor.store().head().await.expect("the log's head");
    let page = school.service.ask(&school.owner, &format!("{}?min_position={head}", path(&school, ".html"))).await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let policy = page.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline';"), "{policy}");
    assert!(page.text.contains("&lt;b&gt;Came late&lt;/b&gt;") && !page.text.contains("<b>"));
    for elsewhere in ["http:", "https:", "src=", "href=", "@import", "url(", "<script"] {
        assert!(!page.text.contains(elsewhere), "{elsewhere}");
    }
}

#[tokio::test]
async fn is_for_owners_and_admins() {
    let school = told().await;
    for form in ["", ".csv", ".html"] {
        assert_eq!(school.service.ask(&school.admin, &path(&school, form)).await.status, 200);
        for other in [&school.instructor, &school.marker, &school.coordinator] {
            assert_eq!(school.service.ask(other, &path(&school, form)).await.status, 403, "{form}");
        }
        assert_eq!(school.service.ask("", &path(&school, form)).await.status, 401, "{form}");
        let unknown = format!("/v1/cohorts/{}/report{form}", school.module);
        assert_eq!(school.service.ask(&school.owner, &unknown).await.status, 404, "{form}");
    }
}
