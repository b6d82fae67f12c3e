//! A small school to tell stories about: one module, one cohort in Sydney, two hubs, and people in every role.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rollbook_store::Clock;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::harness::{Hosting, Service, at};

/// The school that is copied for whoever opens one as it is; its service has ended.
static OPENED: OnceCell<School> = OnceCell::const_new();

/// The school's ids, and tokens of its people.
#[derive(Clone)]
pub struct School {
    /// The service it lives in.
    pub service: Service,
    /// Eight weeks.
    pub module: String,
    /// Sessions at 19:00 in Sydney from 2026-02-03 (08:00Z) on.
    pub cohort: String,
    /// A hub that `coordinator` looks after.
    pub north: String,
    /// A hub that `other_coordinator` looks after.
    pub south: String,
    /// The owner's token.
    pub owner: String,
    /// An admin's token.
    pub admin: String,
    /// The token of the coordinator of the hub in the north.
    pub coordinator: String,
    /// Who that is.
    pub coordinator_id: String,
    /// The token of the coordinator of the hub in the south.
    pub other_coordinator: String,
    /// The token of the cohort's instructor.
    pub instructor: String,
    /// The token of one of the cohort's two markers.
    pub marker: String,
    /// The cohort's markers.
    pub markers: [String; 2],
    people: Arc<AtomicU32>,
}

/// A student of the cohort.
#[derive(Clone, Debug)]
pub struct Student {
    /// The person.
    pub person: String,
    /// The enrolment.
    pub enrolment: String,
    /// What they are called.
    pub name: String,
}

/// Before the first session.
pub const BEFORE: &str = "2026-02-01T00:00:00Z";
/// After the last one, and before reflections are due.
pub const AFTER: &str = "2026-03-25T00:00:00Z";

impl School {
    /// Opens the school; its clock stands before the first session.
    pub async fn open() -> Self {
        let opened = OPENED.get_or_init(|| async { Self::with(json!({})).await.left().await }).await;
        let (database, clock) = (opened.service.database.copy().await, Clock::frozen(at(BEFORE)));
        let service = Service::owned(database, clock, Hosting::default(), opened.owner.clone()).await;
        let people = opened.people.load(Ordering::SeqCst);
        Self { service, people: Arc::new(people.into()), ..opened.clone() }
    }

    /// Ends its service, once the read models know everything that has happened.
    async fn left(self) -> Self {
        self.service.get(&self.owner, "/v1/me").await;
        self.service.stop().await;
        self.service.database.freeze().await;
        // What is static is never dropped.
        std::fs::remove_dir(self.service.database.files.path()).expect("an empty folder");
        self
    }

    /// Opens the school with other settings of the cohort, on a database that has seen nothing but that.
    pub async fn with(settings: Value) -> Self {
        Self::of(Service::start(BEFORE).await, settings).await
    }

    /// Opens the school in a service.
    pub async fn of(service: Service, settings: Value) -> Self {
        let owner = service.owner.clone();
        let module =
            service.create(&owner, "DefineModule", json!({"code": "AKO-1", "title": "Ako, first steps"})).await;
        let mut cohort = json!({
            "module_id": module, "name": "Kererū 2026", "starts_on": "2026-02-03", "session_start": "19:00",
            "timezone": "Australia/Sydney"
        });
        for (key, value) in settings.as_object().expect("an object") {
            cohort[key] = value.clone();
        }
        let cohort = service.create(&owner, "ScheduleCohort", cohort).await;
        let north = service.create(&owner, "FoundHub", json!({"name": "Northland", "place": "Kaitāia"})).await;
        let south = service.create(&owner, "FoundHub", json!({"name": "Southland"})).await;
        let mut school = Self {
            service,
            module,
            cohort,
            north,
            south,
            owner,
            admin: String::new(),
            coordinator: String::new(),
            coordinator_id: String::new(),
            other_coordinator: String::new(),
            instructor: String::new(),
            marker: String::new(),
            markers: [String::new(), String::new()],
            people: Arc::default(),
        };
        let admin = school.person("Ádám Admin").await;
        school.command("GrantRole", json!({"person_id": admin, "role": "admin"})).await;
        school.admin = school.service.token(&admin).await;
        school.coordinator_id = school.person("Coralie Coordinator").await;
        school.coordinator = school.service.token(&school.coordinator_id).await;
        school.appoint_coordinator(&school.north, &school.coordinator_id).await;
        let other = school.person("Otto Other").await;
        school.other_coordinator = school.service.token(&other).await;
        school.appoint_coordinator(&school.south, &other).await;
        let instructor = school.person("Ines Instructor").await;
        school.instructor = school.service.token(&instructor).await;
        school.in_cohort("AppointInstructor", json!({"person_id": instructor, "lead": true})).await;
        for nth in 0..2 {
            let marker = school.person(&format!("Marker {nth}")).await;
            school.in_cohort("AppointMarker", json!({"person_id": marker})).await;
            school.markers[nth] = marker;
        }
        school.marker = school.service.token(&school.markers[0]).await;
        school
    }

    /// An owner's command.
    pub async fn command(&self, command: &str, body: Value) -> Value {
        self.service.command(&self.owner, command, body).await
    }

    /// An owner's command about the cohort.
    pub async fn in_cohort(&self, command: &str, mut body: Value) -> Value {
        body["cohort_id"] = json!(self.cohort);
        self.command(command, body).await
    }

    /// Somebody new; their id.
    pub async fn person(&self, name: &str) -> String {
        let nth = self.people.fetch_add(1, Ordering::SeqCst);
        let person = json!({"name": name, "email": format!("person{nth}@example.org")});
        self.service.create(&self.owner, "RegisterPerson", person).await
    }

    /// A new student, in a hub or at the flagship.
    pub async fn student(&self, name: &str, hub: Option<&str>) -> Student {
        let person = self.person(name).await;
        let mut body = json!({"cohort_id": self.cohort, "person_id": person});
        if let Some(hub) = hub {
            body["hub_id"] = json!(hub);
        }
        let enrolment = self.service.create(&self.owner, "EnrolStudent", body).await;
        Student { person, enrolment, name: name.to_owned() }
    }

    /// A new student at the flagship whose name no command gives any more, as logs have them from before names had a
    /// form.
    pub async fn student_of_old(&self, name: &str) -> Student {
        let student = self.student("Somebody", None).await;
        let corrected = json!({"PersonCorrected": {"name": name}});
        let sql =
            "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
            select 'person', $1, max(sequence) + 1, 'PersonCorrected', '1', $2::text::json, '{}'
            from events where aggregate_type = 'person' and aggregate_id = $1";
        let query = sqlx::query(sql).bind(&student.person).bind(corrected.to_string());
        query.execute(&self.service.database.pool).await.expect("an event");
        self.service.get(&self.owner, "/v1/me").await;
        Student { name: name.to_owned(), ..student }
    }

    /// Several students of the hub in the north.
    pub async fn students(&self, count: usize) -> Vec<Student> {
        let mut students = Vec::new();
        for nth in 1..=count {
            students.push(self.student(&format!("Student {nth:02}"), Some(&self.north)).await);
        }
        students
    }

    /// Marks attendance as the owner.
    pub async fn mark(&self, student: &Student, week: u8, status: &str) -> Value {
        let body = json!({"enrolment_id": student.enrolment, "week": week, "status": status});
        self.command("MarkAttendance", body).await
    }

    /// A student's row of the roster.
    pub async fn row(&self, student: &Student) -> Value {
        let roster = self.service.items(&self.owner, &format!("/v1/cohorts/{}/roster", self.cohort)).await;
        let row = roster.into_iter().find(|row| row["enrolment_id"] == student.enrolment);
        row.unwrap_or_else(|| panic!("{} is not in the roster", student.name))
    }

    /// Puts somebody in charge of a hub.
    pub async fn appoint_coordinator(&self, hub: &str, person: &str) {
        self.command("AppointCoordinator", json!({"hub_id": hub, "person_id": person})).await;
    }
}

/// The types of a receipt's events.
pub fn event_types(receipt: &Value) -> Vec<&str> {
    let events = receipt["events"].as_array().expect("events");
    events.iter().map(|event| event["type"].as_str().expect("a type")).collect()
}
