//! Who may do what: every operation of the served document, asked by everybody there is. The domain page's table is what is
//! expected; an operation without a row fails.

mod held;
mod scene;
mod table;

use std::collections::BTreeSet;

use serde_json::Value;

use scene::{Role, Scene};
use table::{Expected, Row};

/// An operation of the document.
struct Operation {
    id: String,
    method: String,
    path: String,
    open: bool,
    takes_body: bool,
}

fn operations() -> Vec<Operation> {
    let document = rollbook_http::document();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("operations") {
            operations.push(Operation {
                id: operation["operationId"].as_str().expect("an id").to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                open: operation["security"] == Value::Array(Vec::new()),
                takes_body: operation.get("requestBody").is_some(),
            });
        }
    }
    operations
}

#[test]
fn every_operation_has_one_row_and_every_row_an_operation() {
    let served: Vec<String> = operations().into_iter().map(|operation| operation.id).collect();
    let rows: Vec<&str> = table::rows().iter().map(|row| row.id).collect();
    let missing: Vec<_> = served.iter().filter(|id| !rows.contains(&id.as_str())).collect();
    assert!(missing.is_empty(), "who may do this? {missing:?}");
    let unknown: Vec<_> = rows.iter().filter(|id| !served.iter().any(|served| served == *id)).collect();
    assert!(unknown.is_empty(), "there is no such operation: {unknown:?}");
    assert_eq!(rows.len(), rows.iter().collect::<BTreeSet<_>>().len(), "a row twice");
}

#[tokio::test]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let scene = Scene::set().await;
    let operations = operations();
    let mut wrong = Vec::new();
    // In the order of the table, in which the end of something comes after what is done with it.
    for row in table::rows() {
        let operation = operations.iter().find(|operation| operation.id == row.id).expect(row.id);
        let refused = Role::ALL.iter().filter(|role| !row.allowed.contains(role));
        // Whoever is refused first, while what they ask for is still there to be had.
        let before = scene.head().await;
        for role in refused {
            wrong.extend(ask(&scene, operation, &row, *role).await);
        }
        if scene.head().await != before {
            wrong.push(format!("{}: who was refused changed something", row.id));
        }
        for role in row.allowed {
            wrong.extend(ask(&scene, operation, &row, *role).await);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whoever has nothing to do with it is not waited for: not with their files, and not with anything else that is no command,
/// whose rights depend on what it says.
#[tokio::test]
async fn whoever_is_refused_is_so_before_their_body_has_come() {
    const WITHOUT: [Role; 5] = [Role::Nobody, Role::Stranger, Role::Student, Role::OtherStudent, Role::Marker];
    let scene = Scene::set().await;
    let operations = operations();
    let (mut asked, mut wrong) = (BTreeSet::new(), Vec::new());
    for row in table::rows().into_iter().filter(|row| !matches!(row.body, table::Body::None)) {
        let operation = operations.iter().find(|operation| operation.id == row.id).expect(row.id);
        let command = operation.path.starts_with("/v1/commands/");
        for role in WITHOUT.into_iter().filter(|role| !row.allowed.contains(role)) {
            let known = !matches!(role, Role::Nobody | Role::Stranger);
            if command && known {
                continue;
            }
            let expected = if known { row.refused } else { 401 };
            let answered = scene.begin(&operation.method, &operation.path, &row, role).await;
            if answered != Some(expected) {
                wrong.push(format!("{} as {role:?}: {answered:?}, not {expected}", row.id));
            }
            asked.insert((command, row.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked.len() > 50 && asked.contains(&(false, "import_attendance")), "{asked:?}");
}

/// What is not as it should be when somebody asks.
async fn ask(scene: &Scene, operation: &Operation, row: &Row, role: Role) -> Option<String> {
    let (status, text) = scene.send(&operation.method, &operation.path, row, role).await;
    let allowed = row.allowed.contains(&role);
    let right = match (role, allowed) {
        (_, true) => row.expected.contains(status) && shown_as_it_should(row, role, &text),
        (Role::Nobody | Role::Stranger, false) if !operation.open => status == 401,
        (_, false) => status == row.refused,
    };
    let begin = text.chars().take(300).collect::<String>();
    (!right).then(|| format!("{} as {role:?}: {status}, {begin}", row.id))
}

fn shown_as_it_should(row: &Row, role: Role, text: &str) -> bool {
    let Some(shown_to) = row.shown_to else { return true };
    let answer: Value = serde_json::from_str(text).expect("JSON");
    let shown = answer["items"].as_array().map_or(!answer["item"].is_null(), |items| !items.is_empty());
    shown == shown_to.contains(&role)
}

impl Expected {
    fn contains(self, status: u16) -> bool {
        match self {
            // What the first has done, the others find done; a rule is told to those who may ask.
            Self::Done => matches!(status, 200 | 409),
            Self::Answered(expected) => status == expected,
        }
    }
}
