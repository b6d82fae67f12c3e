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

/// Names that are not what they look like, or look like nothing: what is wrong with each.
const REFUSED: [(&str, &str); 12] = [
    ("\u{200b}\u{200b}", "nothing to be seen"),
    ("\u{3164}", "a filler"),
    ("\u{2800}\u{2800}", "a blank of Braille"),
    ("\u{301}", "a mark on nothing"),
    ("Anna\u{202e}gnp.exe", "an override of the direction"),
    ("Anna\u{2066}x\u{2069}", "an isolate"),
    ("Anna\nOwner", "a line break"),
    ("Anna\u{2028}Owner", "a line separator"),
    ("Anna\tOwner", "a tab"),
    ("Anna\u{7}", "a control character"),
    ("Anna\u{e000}", "a character of nobody's"),
    ("Anna\u{10ffff}", "no character at all"),
];

/// Names as people paste them, and as they are kept.
const KEPT: [(&str, &str); 7] = [
    ("  Anna \u{a0}\u{2003} Bell ", "Anna Bell"),
    ("Zoe\u{308}", "Zoë"),
    ("An\u{ad}na\u{200b}\u{feff}", "Anna"),
    ("\u{200f}Anna\u{200e}", "Anna"),
    ("An\u{200d}na", "Anna"),
    ("علی\u{200c}رضا", "علی\u{200c}رضا"),
    ("क्\u{200d}ष", "क्\u{200d}ष"),
];

#[tokio::test]
async fn a_name_is_one_line_of_what_can_be_seen() {
    let school = School::open().await;
    let schedule = |name: &str| {
        json!({"module_id": school.module, "name": name, "starts_on": "2026-02-03", "session_start": "19:00",
            "timezone": "Australia/Sydney"})
    };
    let person = school.person("Somebody").await;
    let mut nth = 0;
    let mut bodies = |name: &str| {
        nth += 1;
        let register = json!({"name": name, "email": format!("name{nth}@example.org")});
        [
            ("RegisterPerson", "name", register),
            ("CorrectPerson", "name", json!({"person_id": person, "name": name})),
            ("FoundHub", "name", json!({"name": name})),
            ("FoundHub", "place", json!({"name": "Hub", "place": name})),
            ("RenameHub", "name", json!({"hub_id": school.north, "name": name})),
            ("DefineModule", "title", json!({"code": format!("N-{nth}"), "title": name})),
            ("DefineModule", "code", json!({"code": name, "title": "Module"})),
            ("RenameModule", "title", json!({"module_id": school.module, "title": name})),
            ("ScheduleCohort", "name", schedule(name)),
            ("RenameCohort", "name", json!({"cohort_id": school.cohort, "name": name})),
            ("SetSiteSetting", "value", json!({"setting": {"name": "display_name", "value": name}})),
        ]
    };
    for (name, why) in REFUSED {
        for (command, field, body) in bodies(name) {
            let refused = school.service.send(&school.owner, command, body).await;
            assert_eq!(refused.status, 422, "{command}, {field}: {why}: {}", refused.text);
            assert!(refused.json["errors"][0]["detail"].is_string(), "{command}: {}", refused.text);
        }
    }
    for (name, kept) in KEPT {
        // A code is one module's, whatever it looks like.
        for (command, field, body) in bodies(name).into_iter().filter(|(_, field, _)| *field != "code") {
            let receipt = school.command(command, body).await;
            // A name that is kept already changes nothing.
            for event in receipt["events"].as_array().expect("events") {
                let data = &event["data"];
                let told = if field == "value" { &data["setting"]["value"] } else { &data[field] };
                assert_eq!(told, kept, "{command}, {field}: {data}");
            }
        }
    }
}

#[tokio::test]
async fn an_address_is_of_one_script_part_by_part() {
    let school = School::open().await;
    let person = school.person("Somebody").await;
    for address in [
        // Cyrillic letters among Latin ones.
        "\u{430}nna@example.org",
        "ann\u{430}@example.org",
        "anna@ex\u{430}mple.org",
        "anna@example.\u{43e}rg",
        "\u{391}nna@example.org",
        "an\u{200b}na@example.org",
        "anna\u{202e}@example.org",
        "anna\u{ad}@example.org",
    ] {
        for (command, body) in [
            ("RegisterPerson", json!({"name": "Anna", "email": address})),
            ("CorrectPerson", json!({"person_id": person, "email": address})),
        ] {
            let refused = school.service.send(&school.owner, command, body).await;
            assert_eq!(refused.status, 422, "{command} {address:?}: {}", refused.text);
            assert_eq!(refused.json["errors"][0]["pointer"], "/email", "{}", refused.text);
        }
        let rows = json!([{"name": "Anna", "email": address}]);
        let receipt = school.in_cohort("ImportRoster", json!({"rows": rows})).await;
        assert_eq!(receipt["events"], json!([]), "{address:?}: {receipt}");
        assert_eq!(receipt["rows"][0]["column"], "email", "{receipt}");
    }
    for (nth, address) in
        ["анна@example.org", "zoë@bücher.example", "田中たろう@example.jp", "αννα@παράδειγμα.ελ", "o'hara+1@example.ie"]
            .into_iter()
            .enumerate()
    {
        let registered = json!({"name": format!("Person {nth}"), "email": address});
        school.command("RegisterPerson", registered).await;
    }
}
