//! What a cohort shows: edited, copied, compared, and opened week by week.

mod copies;
mod edits;
mod files;
mod hostile;
mod reveal;

use serde_json::{Value, json};

use crate::school::School;

impl School {
    /// Adds a material as the instructor; its id.
    async fn material(&self, week: u8, kind: &str, title: &str, content: &str) -> String {
        self.material_of(&self.cohort, week, kind, title, content).await
    }

    /// Adds a material to a cohort as the owner; its id.
    async fn material_of(&self, cohort: &str, week: u8, kind: &str, title: &str, content: &str) -> String {
        let body = json!({"cohort_id": cohort, "week": week, "kind": kind, "title": title, "content": content});
        let receipt = self.command("AddMaterial", body).await;
        receipt["events"][0]["data"]["material_id"].as_str().expect("an id").to_owned()
    }

    /// A week as somebody sees it.
    async fn week(&self, token: &str, week: u8) -> Value {
        self.service.get(token, &format!("/v1/cohorts/{}/weeks/{week}", self.cohort)).await
    }

    /// A cohort's whole syllabus, as the owner sees it.
    async fn syllabus(&self, cohort: &str) -> Value {
        self.service.get(&self.owner, &format!("/v1/cohorts/{cohort}/syllabus")).await
    }

    /// Another run of the module.
    async fn run(&self, name: &str, copy_from: Option<&str>) -> String {
        let mut body = json!({
            "module_id": self.module, "name": name, "starts_on": "2026-08-04", "session_start": "19:00",
            "timezone": "Pacific/Auckland"
        });
        if let Some(from) = copy_from {
            body["copy_from"] = json!(from);
        }
        self.service.create(&self.owner, "ScheduleCohort", body).await
    }
}

/// The titles of a week's materials, in order.
fn titles(week: &Value) -> Vec<&str> {
    let materials = week["materials"].as_array().expect("materials");
    materials.iter().map(|material| material["title"].as_str().expect("a title")).collect()
}
