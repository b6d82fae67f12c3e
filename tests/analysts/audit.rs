//! The audit: its filters, and all of it in one answer.

use reqwest::Method;
use rollbook_domain::SiteId;
use serde_json::{Value, json};

use crate::harness::{Answer, answer};
use crate::school::School;

/// More decisions than a page has, as if they had happened: entries that nobody else looks at.
async fn decide(school: &School, decisions: i64) {
    let sql = "insert into audit_trail (site_id, position, at, action, reason, command_id)
        select $1, 1000000 + n, '2026-02-03T08:00:00Z'::timestamptz + n * interval '1 second',
            case when n % 2 = 0 then 'held' else 'released' end, '=reason ' || n || repeat(' and more', 20),
            gen_random_uuid()
        from generate_series(1, $2) n";
    sqlx::query(sql).bind(SiteId::DEFAULT.0).bind(decisions).execute(&school.service.database.pool).await.expect(sql);
}

/// All items, page by page.
async fn paged(school: &School, query: &str) -> Vec<Value> {
    let (mut items, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/audit?limit=1000{query}{after}");
        let page = school.service.get(&school.owner, &path).await;
        items.extend(page["items"].as_array().expect("items").clone());
        let Some(next) = page["next"].as_str() else { return items };
        after = format!("&after={next}");
    }
}

async fn ask(school: &School, query: &str, accept: &str) -> Answer {
    let request = school.service.request(Method::GET, &school.owner, &format!("/v1/audit{query}"));
    let answer = answer(request.header("accept", accept)).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer
}

fn ndjson(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    answer.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn all_of_it_comes_as_a_stream_where_nobody_says_how_much() {
    let school = School::open().await;
    decide(&school, 2_345).await;
    for query in ["", "&action=held", "&from=2026-02-03T08:10:00Z&to=2026-02-03T08:20:00Z", "&action=withdrawn"] {
        let items = paged(&school, query).await;
        let said = query.replacen('&', "?", 1);
        let streamed = ask(&school, &said, "application/x-ndjson").await;
        assert_eq!(ndjson(&streamed), items, "{query}");
        assert!(streamed.headers.contains_key("rollbook-position"));
        let also = ask(&school, &format!("?format=ndjson{query}"), "*/*").await;
        assert_eq!(also.text, streamed.text);

        let csv = ask(&school, &said, "text/csv").await;
        assert!(csv.headers["content-type"].to_str().expect("text").starts_with("text/csv"));
        let (heading, lines) = csv.text.split_once("\r\n").expect("a heading");
        assert!(heading.starts_with("at,actor_id,actor_name,authority,action,subject_enrolment_id,"), "{heading}");
        assert_eq!(lines.lines().count(), items.len(), "{query}");
        assert!(!lines.contains(heading), "one heading");
        assert_eq!(lines.contains(",'=reason"), items.iter().any(|item| item["reason"].is_string()), "disarmed");
        for (line, item) in lines.lines().zip(&items) {
            assert!(line.ends_with(&format!(",{},{}", item["command_id"].as_str().expect("an id"), item["position"])));
        }
    }
    let all = paged(&school, "").await;
    let from = &all[1_500]["position"];
    assert_eq!(ndjson(&ask(&school, &format!("?format=ndjson&after={from}"), "*/*").await), all[1_501..]);
}

#[tokio::test]
async fn a_limit_makes_it_a_page_in_every_form() {
    let school = School::open().await;
    decide(&school, 10).await;
    let items = paged(&school, "").await;
    let page = ask(&school, "?format=ndjson&limit=3", "*/*").await;
    assert_eq!(ndjson(&page), items[..3]);
    let link = page.headers["link"].to_str().expect("text").to_owned();
    let next = link.strip_prefix("</v1/audit").and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).expect("a link");
    assert_eq!(ndjson(&ask(&school, next, "*/*").await), items[3..6]);
    assert_eq!(ask(&school, "?format=csv&limit=3", "*/*").await.text.lines().count(), 4);
    let json = ask(&school, "", "*/*").await.json;
    assert_eq!(json["items"], json!(items[..items.len().min(100)]));
    for (query, status) in [("?format=xml", 422), ("?format=ndjson&limit=0", 422), ("?format=csv&after=x", 422)] {
        assert_eq!(school.service.ask(&school.owner, &format!("/v1/audit{query}")).await.status, status, "{query}");
    }
    for token in [&school.instructor, &school.marker] {
        assert_eq!(school.service.ask(token, "/v1/audit?format=ndjson").await.status, 403);
    }
    let roster = format!("/v1/cohorts/{}/roster?format=ndjson", school.cohort);
    assert_eq!(school.service.ask(&school.owner, &roster).await.status, 422, "only the audit is streamed");
}

#[tokio::test]
async fn it_is_filtered_by_enrolment_and_action() {
    let school = School::open().await;
    let students = school.students(2).await;
    for student in &students {
        school.command("HoldStudent", json!({"enrolment_id": student.enrolment, "reason": "to talk"})).await;
    }
    let id = &students[1].enrolment;
    let items = paged(&school, &format!("&enrolment_id={id}")).await;
    let actions: Vec<_> = items.iter().map(|item| item["action"].as_str().expect("an action")).collect();
    assert_eq!(actions, ["enrolled", "held"]);
    assert!(items.iter().all(|item| item["subject"]["enrolment_id"] == json!(id)));
    let held = paged(&school, &format!("&enrolment_id={id}&action=held")).await;
    assert_eq!(held, items[1..]);
    let both = paged(&school, "&action=held").await;
    assert_eq!(both.len(), 2);
}

#[tokio::test]
async fn a_stream_breaks_off_with_the_right_to_it() {
    let school = School::open().await;
    // More than lies on the way between the service and a client that does not read.
    decide(&school, 60_000).await;
    let request = school.service.request(Method::GET, &school.admin, "/v1/audit?format=ndjson");
    let mut response = request.send().await.expect("an answer");
    response.chunk().await.expect("a beginning").expect("something");
    let me = answer(school.service.request(Method::GET, &school.admin, "/v1/me")).await.json;
    school.command("RevokeRole", json!({"person_id": me["person_id"], "role": "admin"})).await;
    let ended = loop {
        match response.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    assert!(!ended, "a part is not taken for the whole");
}
