//! Registers as CSV, in both forms, by admins, instructors and coordinators.

use serde_json::{Value, json};

use super::{counts, wrong};
use crate::school::{AFTER, School};

async fn import(school: &School, token: &str, commit: bool, file: &str) -> Value {
    let what = format!("attendance-import?commit={commit}");
    let answer = school.file(token, &what, "text/csv", file).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

/// Three students of a file: the first two in the north, the third in the south.
async fn class() -> School {
    let school = School::open().await;
    let file = "name,email,external_id,hub\nZoë,zoe@example.org,LW-1,Northland\nLars,lars@example.org,LW-2,Northland\n\
        Tui,tui@example.org,LW-3,Southland\n";
    school.roster(true, file).await;
    school
}

async fn attendance(school: &School) -> Vec<(Value, Value)> {
    let roster = school.service.items(&school.owner, &format!("/v1/cohorts/{}/roster", school.cohort)).await;
    roster.into_iter().map(|row| (row["name"].clone(), row["attendance"].clone())).collect()
}

#[tokio::test]
async fn weeks_as_columns_and_marks_as_rows_come_to_the_same() {
    let school = class().await;
    school.service.now("2026-02-20T00:00:00Z");
    let wide = "email;1;Week 2;attendance 3;4\nzoe@example.org;p;absent;;present\nLARS@example.org;✓;L;excused;\n\
        nobody@example.org;p;p;;\n";
    let before = school.head().await;
    let preview = import(&school, &school.owner, false, wide).await;
    assert_eq!(counts(&preview), [5, 0, 0, 0, 2]);
    assert_eq!(wrong(&preview), [(2, "4", "session_in_future"), (4, "email", "no_such_student")]);
    assert_eq!(school.head().await, before);
    let done = import(&school, &school.owner, true, wide).await;
    assert_eq!(done["position"], json!(before + 5));
    let rows = [
        (json!("Lars"), json!({"1": "present", "2": "late", "3": "excused"})),
        (json!("Tui"), json!({})),
        (json!("Zoë"), json!({"1": "present", "2": "absent"})),
    ];
    assert_eq!(attendance(&school).await, rows);

    let long =
        "external_id,week,status\nLW-1,1,present\nLW-1,2,late\nLW-2,2,late\nLW-3,1,a\nLW-3,1,p\nLW-3,0,p\nLW-3,2,x\n";
    let done = import(&school, &school.admin, true, long).await;
    assert_eq!(counts(&done), [1, 0, 1, 2, 3]);
    let expected = [(6, "week", "duplicate_mark"), (7, "week", "no_such_week"), (8, "status", "unknown_status")];
    assert_eq!(wrong(&done), expected);
    assert_eq!(school.head().await, before + 7);
    import(&school, &school.admin, true, long).await;
    assert_eq!(school.head().await, before + 7, "the same again is no events");
}

#[tokio::test]
async fn an_import_has_its_senders_authority() {
    let school = class().await;
    school.service.now(AFTER);
    let file = "email,1\nzoe@example.org,present\ntui@example.org,present\n";
    let north = import(&school, &school.coordinator, true, file).await;
    assert_eq!(counts(&north), [1, 0, 0, 0, 1]);
    assert_eq!(wrong(&north), [(3, "email", "no_such_student")]);
    let taught = import(&school, &school.instructor, true, &file.replace("present", "absent")).await;
    assert_eq!(counts(&taught), [1, 0, 1, 0, 0]);
    let again = import(&school, &school.coordinator, true, file).await;
    assert_eq!(wrong(&again), [(2, "1", "higher_authority_stands"), (3, "email", "no_such_student")]);
    let refused = school.file(&school.marker, "attendance-import", "text/csv", file).await;
    assert_eq!((refused.status, &refused.json["code"]), (403, &json!("not_allowed")), "{}", refused.text);
    let stranger = school.service.token(&school.person("Strange Stranger").await).await;
    let hidden = school.file(&stranger, "attendance-import", "text/csv", file).await;
    assert_eq!((hidden.status, &hidden.json["code"]), (404, &json!("not_found")), "{}", hidden.text);
}

#[tokio::test]
async fn three_absences_of_a_file_raise_the_flag() {
    let school = class().await;
    school.service.now(AFTER);
    import(&school, &school.owner, true, "email,1,2,3,4\nzoe@example.org,a,a,a,a\n").await;
    let flags = school.service.items(&school.owner, &format!("/v1/cohorts/{}/absence-flags", school.cohort)).await;
    assert_eq!((flags.len(), &flags[0]["missed_weeks"]), (1, &json!([1, 2, 3])), "{flags:?}");
}
