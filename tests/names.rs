//! Lists by name are in the order that people expect, and the same page by page.

use serde_json::{Value, json};

use crate::school::School;

/// As people sort them: marks and case tell apart only what is the same without them; letters of their own come after
/// those they look like; other scripts come last.
const SORTED: [&str; 17] = [
    "Ada", "ana", "Ana", "Ana", "Ed", "Élodie", "Emma", "Luca", "Łukasz", "Mia", "Zack", "Žan", "Zoe", "Zoë", "Zora",
    "Ωmega", "李雷",
];

fn texts<'v>(items: &'v [Value], field: &str) -> Vec<&'v str> {
    items.iter().map(|item| item[field].as_str().expect("a text")).collect()
}

/// The whole list, once in one page and once in pages of each size.
async fn whole(school: &School, path: &str) -> Vec<Value> {
    let whole = school.service.items(&school.owner, path).await;
    let joint = if path.contains('?') { '&' } else { '?' };
    for limit in [1, 4] {
        let (mut paged, mut after) = (Vec::new(), String::new());
        loop {
            let page = school.service.get(&school.owner, &format!("{path}{joint}limit={limit}{after}")).await;
            paged.extend(page["items"].as_array().expect("items").clone());
            assert!(paged.len() <= whole.len(), "{path} ends");
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(paged, whole, "{path} in pages of {limit}");
    }
    whole
}

#[tokio::test]
async fn lists_by_name_sort_as_people_expect_in_pages_of_any_size() {
    let school = School::open().await;
    // Neither in their order nor in its reverse.
    for nth in 0..SORTED.len() {
        school.student(SORTED[nth * 7 % SORTED.len()], Some(&school.north)).await;
    }
    let cohort = format!("/v1/cohorts/{}", school.cohort);
    for path in [
        format!("{cohort}/roster"),
        format!("{cohort}/advancement?to_week=2"),
        format!("{cohort}/sessions/1/attendance"),
        format!("/v1/hubs/{}/roster", school.north),
    ] {
        assert_eq!(texts(&whole(&school, &path).await, "name"), SORTED, "{path}");
    }
    let people = whole(&school, "/v1/people").await;
    let students: Vec<_> = texts(&people, "name").into_iter().filter(|name| SORTED.contains(name)).collect();
    assert_eq!(students, SORTED);
}

#[tokio::test]
async fn hubs_and_modules_sort_likewise() {
    let school = School::open().await;
    for name in ["Zürich", "zug", "Éire", "east", "Łódź"] {
        school.command("FoundHub", json!({"name": name})).await;
    }
    let hubs = whole(&school, "/v1/hubs").await;
    assert_eq!(texts(&hubs, "name"), ["east", "Éire", "Łódź", "Northland", "Southland", "zug", "Zürich"]);
    for code in ["zoo-1", "Écho-1", "Eco-2", "ako-0"] {
        school.command("DefineModule", json!({"code": code, "title": "A course"})).await;
    }
    let modules = whole(&school, "/v1/modules").await;
    assert_eq!(texts(&modules, "code"), ["ako-0", "AKO-1", "Écho-1", "Eco-2", "zoo-1"]);
}
