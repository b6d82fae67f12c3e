//! The claims: what the log says is held, by rules written a second time from the domain's page, against the table.
//! Personal keys are known by their hashes only.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::log::Event;
use super::{Claim, Report, Violation};
use crate::Error;

/// The claims as the log goes, with what is needed to know them.
#[derive(Debug, Default)]
pub struct Held {
    by_key: BTreeMap<(Uuid, &'static str, String), Uuid>,
    emails: HashMap<(Uuid, String), String>,
    /// Whether each person has the role of owner, and whether they may act.
    owners: HashMap<(Uuid, String), (bool, bool)>,
    enrolments: HashMap<(Uuid, String), Enrolment>,
    /// The uploads that each syllabus had.
    uploads: HashSet<(Uuid, String, String)>,
    /// The hosts that each site has, by its stream.
    hosts: HashMap<(Uuid, String), BTreeSet<String>>,
}

#[derive(Clone, Debug, Default)]
struct Enrolment {
    cohort: String,
    person: String,
    hub: Option<String>,
    active: bool,
}

impl Enrolment {
    /// What a student holds for as long as they take part.
    fn active_claims(&self, id: &str) -> Vec<(&'static str, String)> {
        let hub = self.hub.as_ref().map(|hub| ("hub_place", format!("{hub}/{id}")));
        [("active_enrolment", self.person.clone()), ("place", format!("{}/{id}", self.cohort))]
            .into_iter()
            .chain(hub)
            .collect()
    }
}

/// What one event does.
#[derive(Default)]
struct Changes {
    takes: Vec<(&'static str, String)>,
    releases: Vec<(&'static str, String)>,
    /// Whom a file belongs to from now on.
    material: Option<Uuid>,
}

impl Held {
    /// Applies one event. What other software appended is part of the stream and claims nothing.
    pub fn apply(&mut self, event: &Event<'_>, by_the_service: bool, report: &mut Report) {
        let Ok(payload) = serde_json::from_str::<Value>(event.payload) else { return };
        let changes = self.changes(event, &payload[event.name]);
        let (true, Ok(owner)) = (by_the_service, Uuid::parse_str(event.id)) else { return };
        for (kind, key) in changes.releases {
            self.by_key.remove(&(event.site, kind, key));
        }
        for (kind, key) in changes.takes {
            // A file is a material's; everything else is the stream's.
            let owner = changes.material.filter(|_| kind == "upload").unwrap_or(owner);
            let claim = Claim { site: event.site, kind: kind.to_owned(), key: key.clone(), owner };
            if self.by_key.insert((event.site, kind, key), owner).is_some_and(|before| before != owner) {
                report.violations.push(Violation::ClaimedTwice { claim, position: event.position });
            }
        }
    }

    fn changes(&mut self, event: &Event<'_>, data: &Value) -> Changes {
        let text = |field: &str| data[field].as_str().map(str::to_owned);
        let mut changes = Changes::default();
        let stream = || (event.site, event.id.to_owned());
        if event.kind == "person" {
            let person = self.owners.entry(stream()).or_default();
            let (owner, active) = *person;
            *person = match event.name {
                "RoleGranted" if data["role"] == "owner" => (true, active),
                "RoleRevoked" if data["role"] == "owner" => (false, active),
                "PersonRegistered" | "PersonReactivated" => (owner, true),
                "PersonDeactivated" => (owner, false),
                _ => (owner, active),
            };
            match (owner && active, person.0 && person.1) {
                (false, true) => changes.takes.push(("owner", event.id.to_owned())),
                (true, false) => changes.releases.push(("owner", event.id.to_owned())),
                _ => {}
            }
        }
        match (event.kind, event.name) {
            ("person", "PersonRegistered" | "PersonCorrected") => {
                if let Some(email) = text("email") {
                    let new = hashed(event.site, "email", &email.trim().to_lowercase());
                    let old = self.emails.insert(stream(), new.clone());
                    if old.as_ref() != Some(&new) {
                        changes.releases.extend(old.map(|old| ("email", old)));
                        changes.takes.push(("email", new));
                    }
                }
                let external = text("external_id").filter(|_| event.name == "PersonRegistered");
                changes.takes.extend(external.map(|id| ("external_id", hashed(event.site, "external_id", &id))));
            }
            ("person", "ExternalIdAssigned") => {
                changes
                    .takes
                    .extend(text("external_id").map(|id| ("external_id", hashed(event.site, "external_id", &id))));
            }
            ("hub", "HubFounded") => changes.takes.push(("open_hub", event.id.to_owned())),
            ("hub", "HubClosed") => changes.releases.push(("open_hub", event.id.to_owned())),
            ("module", "ModuleDefined") => {
                changes.takes.extend(text("code").map(|code| ("module_code", code.to_lowercase())));
            }
            ("site", "SiteOpened") => changes.takes.extend(text("slug").map(|slug| ("site_slug", slug))),
            ("site", "SiteHostsSet") => {
                let hosts = data["hosts"].as_array().into_iter().flatten();
                let new: BTreeSet<_> = hosts.filter_map(|host| host["host"].as_str().map(str::to_owned)).collect();
                let old = self.hosts.insert(stream(), new.clone()).unwrap_or_default();
                changes.releases.extend(old.difference(&new).map(|host| ("site_host", host.clone())));
                changes.takes.extend(new.difference(&old).map(|host| ("site_host", host.clone())));
            }
            ("enrolment", _) => {
                let enrolment = self.enrolments.entry(stream()).or_default();
                enrolled(enrolment, event, &text, &mut changes);
            }
            ("syllabus", "MaterialAdded" | "MaterialUpdated") => {
                // Taken with its first material, and never given back.
                let upload = data["content"]["upload_id"].as_str().map(str::to_owned);
                let first =
                    upload.filter(|upload| self.uploads.insert((event.site, event.id.to_owned(), upload.clone())));
                changes.takes.extend(first.map(|upload| ("upload", upload)));
                changes.material = text("material_id").and_then(|id| Uuid::parse_str(&id).ok());
            }
            _ => {}
        }
        changes
    }
}

fn enrolled(
    enrolment: &mut Enrolment,
    event: &Event<'_>,
    text: &dyn Fn(&str) -> Option<String>,
    changes: &mut Changes,
) {
    let id = event.id;
    match event.name {
        "StudentEnrolled" => {
            let (cohort, person) = (text("cohort_id").unwrap_or_default(), text("person_id").unwrap_or_default());
            changes.takes.push(("enrolment", format!("{cohort}/{person}")));
            *enrolment = Enrolment { cohort, person, hub: text("hub_id"), active: true };
            changes.takes.extend(enrolment.active_claims(id));
        }
        "StudentReinstated" if !enrolment.active => {
            enrolment.active = true;
            changes.takes.extend(enrolment.active_claims(id));
        }
        "StudentWithdrawn" | "EnrolmentCompleted" if enrolment.active => {
            enrolment.active = false;
            changes.releases.extend(enrolment.active_claims(id));
        }
        "HubJoined" | "HubLeft" => {
            let new = text("hub_id").filter(|_| event.name == "HubJoined");
            let old = std::mem::replace(&mut enrolment.hub, new);
            if enrolment.active {
                changes.releases.extend(old.map(|hub| ("hub_place", format!("{hub}/{id}"))));
                changes.takes.extend(enrolment.hub.iter().map(|hub| ("hub_place", format!("{hub}/{id}"))));
            }
        }
        _ => {}
    }
}

/// A personal key, as the table holds it: each site has hashes of its own.
fn hashed(site: Uuid, kind: &str, key: &str) -> String {
    let digest = Sha256::new().chain_update(site).chain_update(kind).chain_update(key).finalize();
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Compares what the log says is held with the table.
pub async fn check(database: &mut PgConnection, held: &Held, report: &mut Report) -> Result<(), Error> {
    let sql = "select site_id, kind, key, owner from claims";
    let rows: Vec<(Uuid, String, String, Uuid)> = sqlx::query_as(sql).fetch_all(database).await?;
    report.claims = rows.len();
    let claim = |((site, kind, key), owner): (&(Uuid, &'static str, String), &Uuid)| Claim {
        site: *site,
        kind: (*kind).to_owned(),
        key: key.clone(),
        owner: *owner,
    };
    let mut missing: BTreeSet<Claim> = held.by_key.iter().map(claim).collect();
    for (site, kind, key, owner) in rows {
        let claim = Claim { site, kind, key, owner };
        if !missing.remove(&claim) {
            report.violations.push(Violation::ClaimTooMany(claim));
        }
    }
    report.violations.extend(missing.into_iter().map(Violation::ClaimMissing));
    Ok(())
}
