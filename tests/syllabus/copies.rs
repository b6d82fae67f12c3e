//! A run that begins with another's content: everything of it, in one append, and on its own from then on.

use serde_json::{Value, json};

use super::titles;
use crate::school::{School, event_types};

/// 37 materials in eight weeks, and a question in each.
async fn written() -> School {
    let school = School::open().await;
    for nth in 0..37_u8 {
        let (week, title) = (nth % 8 + 1, format!("Material {nth:02}"));
        match nth % 3 {
            0 => school.material(week, "page", &title, &format!("Text {nth}.")).await,
            1 => school.material(week, "link", &title, &format!("https://example.org/{nth}")).await,
            _ => school.material(week, "video", &title, "https://youtu.be/dQw4w9WgXcQ").await,
        };
    }
    for week in 1..=8 {
        let question = json!({"week": week, "text": format!("What of week {week}?")});
        school.in_cohort("SetReflectionQuestion", question).await;
    }
    school
}

fn material<'s>(syllabus: &'s Value, title: &str) -> &'s Value {
    let weeks = syllabus["weeks"].as_array().expect("weeks").iter();
    let mut materials = weeks.flat_map(|week| week["materials"].as_array().expect("materials"));
    materials.find(|material| material["title"] == title).expect("the material")
}

async fn diff(school: &School, cohort: &str, against: &str) -> Value {
    school.service.get(&school.owner, &format!("/v1/cohorts/{cohort}/syllabus/diff?against={against}")).await
}

#[tokio::test]
async fn everything_is_copied_in_one_append_with_the_cohort_and_no_people_are() {
    let school = written().await;
    school.students(2).await;
    let body = json!({
        "module_id": school.module, "name": "Again", "starts_on": "2026-08-04", "session_start": "19:00",
        "timezone": "Pacific/Auckland", "copy_from": school.cohort
    });
    let receipt = school.command("ScheduleCohort", body).await;
    assert_eq!(event_types(&receipt), ["CohortScheduled", "ContentCopied"]);
    let copied = &receipt["events"][1]["data"];
    assert_eq!(copied["from_cohort"], school.cohort);
    assert_eq!(
        (copied["materials"].as_array().map(Vec::len), copied["questions"].as_object().map(serde_json::Map::len)),
        (Some(37), Some(8))
    );

    let new = receipt["streams"][0]["id"].as_str().expect("an id");
    let (old, again) = (school.syllabus(&school.cohort).await, school.syllabus(new).await);
    for week in 0..8 {
        assert_eq!(titles(&again["weeks"][week]), titles(&old["weeks"][week]));
        assert_eq!(again["weeks"][week]["question"], old["weeks"][week]["question"]);
    }
    let (before, after) = (material(&old, "Material 00"), material(&again, "Material 00"));
    assert_ne!(before["material_id"], after["material_id"]);
    assert_eq!(after["copied_from"], before["material_id"]);
    let cohort = school.service.get(&school.owner, &format!("/v1/cohorts/{new}")).await;
    assert_eq!(
        (&cohort["active_students"], &cohort["instructors"], &cohort["markers"]),
        (&json!(0), &json!([]), &json!([]))
    );
    let differences = diff(&school, new, &school.cohort).await;
    assert_eq!(differences["counts"], json!({"added": 0, "removed": 0, "changed": 0}));
}

#[tokio::test]
async fn a_copy_and_what_it_was_copied_from_go_their_own_ways() {
    let school = written().await;
    let old = school.syllabus(&school.cohort).await;
    let new = school.run("Again", Some(&school.cohort)).await;
    let copy = school.syllabus(&new).await;
    for title in ["New one", "New two", "New three"] {
        school.material_of(&new, 3, "page", title, "New.").await;
    }
    for title in ["Material 01", "Material 02"] {
        let body = json!({"cohort_id": new, "material_id": material(&copy, title)["material_id"]});
        school.command("RemoveMaterial", body).await;
    }
    let changed = &material(&copy, "Material 03")["material_id"];
    let body = json!({"cohort_id": new, "material_id": changed, "content": "Another text."});
    school.command("UpdateMaterial", body).await;

    let differences = diff(&school, &new, &school.cohort).await;
    assert_eq!(differences["counts"], json!({"added": 3, "removed": 2, "changed": 1}));
    let of = |list: &str| -> Vec<Value> {
        differences[list].as_array().expect("a list").iter().map(|difference| difference["title"].clone()).collect()
    };
    assert_eq!(of("added"), ["New one", "New two", "New three"]);
    assert_eq!(of("removed"), ["Material 01", "Material 02"]);
    assert_eq!(
        (&of("changed")[..], &differences["changed"][0]["parts"]),
        (&[json!("Material 03")][..], &json!(["content"]))
    );
    assert_eq!(school.syllabus(&school.cohort).await, old, "the one before is as it was");
    let other_way = diff(&school, &school.cohort, &new).await;
    assert_eq!(other_way["counts"], json!({"added": 2, "removed": 3, "changed": 1}));

    let body = json!({"cohort_id": school.cohort, "material_id": material(&old, "Material 04")["material_id"], "title": "Renamed"});
    school.command("UpdateMaterial", body).await;
    assert_eq!(material(&school.syllabus(&new).await, "Material 04")["title"], "Material 04");
}

#[tokio::test]
async fn content_comes_from_a_run_of_the_same_module_that_there_is() {
    let school = School::open().await;
    let other = json!({"code": "AKO-2", "title": "Ako, further steps"});
    let other = school.service.create(&school.owner, "DefineModule", other).await;
    let schedule = |copy_from: &str| {
        json!({
            "module_id": other, "name": "Again", "starts_on": "2026-08-04", "session_start": "19:00", "timezone": "UTC",
            "copy_from": copy_from
        })
    };
    let refused = school.service.send(&school.owner, "ScheduleCohort", schedule(&school.cohort)).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("copy_from_other_module")));
    let unknown = school.service.send(&school.owner, "ScheduleCohort", schedule(&school.module)).await;
    assert_eq!((unknown.status, &unknown.json["code"]), (404, &json!("not_found")));
}

#[tokio::test]
async fn syllabi_are_compared_by_those_who_see_all_of_both() {
    let school = School::open().await;
    let student = school.student("Sione", Some(&school.north)).await;
    let student = school.service.token(&student.person).await;
    let new = school.run("Again", Some(&school.cohort)).await;
    let path = format!("/v1/cohorts/{}/syllabus/diff?against={new}", school.cohort);
    // The read models know of the new run.
    school.service.get(&school.admin, &path).await;
    for (token, status) in
        [(&school.admin, 200), (&school.instructor, 404), (&student, 403), (&school.coordinator, 403)]
    {
        assert_eq!(school.service.ask(token, &path).await.status, status);
    }
}
