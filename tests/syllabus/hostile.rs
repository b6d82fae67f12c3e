//! What a syllabus does with what means harm, or is merely too much.

use rollbook_domain::syllabus::{MaterialContent, SyllabusEvent};
use rollbook_domain::{Event, SiteId};
use serde_json::{Value, json};

use crate::harness::Answer;
use crate::school::School;

async fn add(school: &School, kind: &str, title: &str, content: &str) -> Answer {
    let body = json!({"cohort_id": school.cohort, "week": 1, "kind": kind, "title": title, "content": content});
    school.service.send(&school.instructor, "AddMaterial", body).await
}

#[tokio::test]
async fn a_page_runs_nothing_and_its_source_stays_as_it_was_written() {
    let school = School::open().await;
    let source = "# Hi\n\n<script>alert(1)</script>\n\n[x](javascript:alert(2)) ![y](x \"onerror=alert(3)\")\n\n\
        <img src=x onerror=alert(4)> <a href=\"javascript:alert(5)\">z</a> <iframe src=https://evil.example></iframe>";
    school.material(1, "page", "<b>Title</b>", source).await;
    let week = school.week(&school.owner, 1).await;
    let page = &week["materials"][0];
    assert_eq!((&page["markdown"], &page["title"]), (&json!(source), &json!("<b>Title</b>")));
    let html = page["html"].as_str().expect("HTML");
    for forbidden in ["<script", "javascript:", "onerror=alert(4)", "<iframe", "alert(1)", "alert(5)"] {
        assert!(!html.contains(forbidden), "{forbidden} in {html}");
    }
    assert!(html.contains("<h1>Hi</h1>"));
}

#[tokio::test]
async fn pages_that_grow_come_without_their_html_beyond_what_an_answer_has() {
    let school = School::open().await;
    // Six hundred kilobytes of HTML each.
    let source = "[a](h:)".repeat(14_000);
    for nth in 1..=8 {
        school.material(1, "page", &format!("Page {nth}"), &source).await;
    }
    let week = school.week(&school.owner, 1).await;
    let pages = week["materials"].as_array().expect("materials");
    assert!(pages.iter().all(|page| page["markdown"] == source));
    let shown: Vec<_> = pages.iter().map(|page| page["html"].is_string()).collect();
    assert_eq!(shown, [true, true, true, true, true, true, false, false]);
}

#[tokio::test]
async fn links_lead_where_they_say_and_videos_to_youtube() {
    let school = School::open().await;
    let refused = [
        ("video", "https://vimeo.com/148751763"),
        ("video", "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ"),
        ("video", "https://youtube.com@evil.example/watch?v=dQw4w9WgXcQ"),
        ("link", "javascript:alert(1)"),
        ("link", "data:text/html,<script>alert(1)</script>"),
        ("link", "https://bank.example@evil.example/"),
        ("document", "../../../etc/passwd"),
        ("document", "https://evil.example/virus.pdf"),
        ("image", "0198b2c4-7d10-7a01-8c11-000000000999"),
    ];
    for (kind, content) in refused {
        let answer = add(&school, kind, "Title", content).await;
        assert_eq!((answer.status, &answer.json["code"]), (422, &json!("invalid_fields")), "{kind} {content}");
        assert_eq!(answer.json["errors"][0]["pointer"], "/content");
    }
    let syllabus = school.syllabus(&school.cohort).await;
    assert_eq!((&syllabus["version"], &syllabus["weeks"][0]["materials"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn a_name_or_a_page_that_is_too_long_is_refused_and_named() {
    let school = School::open().await;
    let answer = add(&school, "page", &"A".repeat(1 << 20), "Hello.").await;
    assert_eq!((answer.status, &answer.json["code"]), (413, &json!("too_large")));
    let answer = add(&school, "page", &"A".repeat(1_000_000), "Hello.").await;
    assert_eq!((answer.status, &answer.json["errors"][0]["pointer"]), (422, &json!("/title")));
    assert!(answer.text.len() < 1_000, "a refusal does not repeat what it refuses");
    let answer = add(&school, "page", "Long", &"a".repeat(100_001)).await;
    assert_eq!((answer.status, &answer.json["errors"][0]["pointer"]), (422, &json!("/content")));
    assert_eq!(add(&school, "page", "Long", &"字".repeat(100_000)).await.status, 200);
    for (week, status) in [(0, 422), (9, 409), (53, 422)] {
        let body = json!({"cohort_id": school.cohort, "week": week, "kind": "page", "title": "T", "content": "C"});
        assert_eq!(school.service.send(&school.owner, "AddMaterial", body).await.status, status, "week {week}");
    }
}

#[tokio::test]
async fn the_thousand_and_first_material_is_refused_by_a_rule() {
    let school = School::open().await;
    let (pool, id) = (&school.service.database.pool, &school.cohort);
    for nth in 1..=999_u16 {
        let event = Event::from(SyllabusEvent::MaterialAdded {
            material_id: uuid::Uuid::new_v4().into(),
            week: u8::try_from(nth % 8).expect("small") + 1,
            position: 1,
            title: format!("Material {nth}"),
            content: MaterialContent::Link { url: "https://example.org/".to_owned() },
        });
        let sql =
            "insert into events (site_id, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                metadata)
            values ($1, 'syllabus', $2, $3, 'MaterialAdded', '1', $4::json, '{\"authority\": \"admin\"}')";
        let insert = sqlx::query(sql).bind(SiteId::DEFAULT.0).bind(id).bind(i64::from(nth));
        insert.bind(event.payload().expect("a payload")).execute(pool).await.expect("it happened");
    }
    assert_eq!(add(&school, "page", "The thousandth", "Hello.").await.status, 200);
    let answer = add(&school, "page", "One more", "Hello.").await;
    assert_eq!((answer.status, &answer.json["code"]), (409, &json!("too_many_materials")));
    assert!(answer.json["detail"].as_str().is_some_and(|detail| detail.contains("1000")), "{}", answer.text);
    let again = school.run("Again", Some(&school.cohort)).await;
    let copied: Vec<Value> = school.syllabus(&again).await["weeks"].as_array().expect("weeks").clone();
    assert_eq!(copied.iter().map(|week| week["materials"].as_array().map_or(0, Vec::len)).sum::<usize>(), 1_000);
}
