//! Everything before the first session: people, the module, the cohort, the hubs, the enrolments.

use std::collections::BTreeMap;

use chrono::Days;
use rollbook_domain::cohort::AllocateMarkers;
use rollbook_domain::cohort::{
    AppointInstructor, AppointMarker, Capacity, GraceDays, Minutes, ScheduleCohort, StartCohort, Week,
};
use rollbook_domain::enrolment::EnrolStudent;
use rollbook_domain::hub::{AppointCoordinator, FoundHub};
use rollbook_domain::module::DefineModule;
use rollbook_domain::person::{BootstrapOwner, GrantRole, RegisterPerson, Role};
use rollbook_domain::text::{ExternalId, Name, NewEmail};
use rollbook_domain::{CohortId, Personal};

use super::calendar::Calendar;
use super::cast::{Cast, person_id};
use super::fixture::{Fixture, PersonOf};
use super::stage::{Act, Stage};
use super::syllabus;
use crate::failure::Done;

/// Plays it.
pub async fn play(stage: &Stage, fixture: &Fixture, calendar: &Calendar, cast: &mut Cast) -> Done {
    stage.progress.doing("people, module, hubs");
    stage.set_clock(calendar.after(1, -21 * 24, 0));
    people(stage, fixture, cast).await?;
    courses(stage, fixture, calendar, cast).await?;
    hubs(stage, fixture, cast).await?;

    stage.progress.doing("enrolments");
    stage.set_clock(calendar.after(1, -14 * 24, 30));
    let enrol = cast.students.iter().map(|student| {
        let command = EnrolStudent {
            enrolment_id: Some(student.enrolment),
            cohort_id: cast.cohort,
            person_id: student.person,
            hub_id: student.hub,
        };
        Act::by(cast.admin, format!("enrol {}", student.address), command)
    });
    stage.perform_all(enrol.collect()).await?;

    stage.set_clock(calendar.after(1, -24, 0));
    let allocate = AllocateMarkers { cohort_id: cast.cohort, rebalance: false };
    let allocated = stage.perform(Act::by(cast.admin, "allocate markers", allocate)).await?;
    cast.follow([&allocated])?;
    stage.set_clock(calendar.after(1, -5, 0));
    stage.perform(Act::by(cast.admin, "start", StartCohort { cohort_id: cast.cohort })).await?;
    let Cast { students, hubs, markers, .. } = &*cast;
    stage.progress.line(format!(
        "before   {} students enrolled in {} hubs and the flagship, and divided among {} markers",
        students.len(),
        hubs.len(),
        markers.len()
    ));
    Ok(())
}

async fn people(stage: &Stage, fixture: &Fixture, cast: &Cast) -> Done {
    let owner = &fixture.staff.owner;
    let bootstrap = BootstrapOwner {
        person_id: cast.owner,
        name: Personal::new(owner.name.clone()),
        email: Personal::new(owner.email.clone().into()),
    };
    stage.perform(Act::by_system("owner", bootstrap)).await?;
    let admin = &fixture.staff.admin;
    stage.perform(Act::by(cast.owner, "register the admin", register(&admin.name, &admin.email, None))).await?;
    let grant = GrantRole { person_id: cast.admin, role: Role::Admin };
    stage.perform(Act::by(cast.owner, "grant the admin's role", grant)).await?;

    // Somebody may have two posts: by address, everybody comes once.
    let posts = std::iter::once(&fixture.staff.instructor)
        .chain(&fixture.staff.markers)
        .chain(fixture.hubs.iter().map(|hub| &hub.coordinator));
    let staff: BTreeMap<&str, &PersonOf> = posts.map(|person| (person.email.as_str(), person)).collect();
    let staff = staff.into_values().map(|person| (&person.name, &person.email, None));
    let students = fixture.roster.iter().map(|line| (&line.name, &line.email, Some(&line.external_id)));
    let everybody = staff.chain(students).map(|(name, email, external_id)| {
        Act::by(cast.admin, format!("register {}", email.as_str()), register(name, email, external_id))
    });
    stage.perform_all(everybody.collect()).await?;
    Ok(())
}

fn register(name: &Name, email: &NewEmail, external_id: Option<&ExternalId>) -> RegisterPerson {
    RegisterPerson {
        person_id: Some(person_id(email.as_str())),
        name: Personal::new(name.clone()),
        email: Personal::new(email.clone()),
        external_id: external_id.cloned().map(Personal::new),
    }
}

async fn courses(stage: &Stage, fixture: &Fixture, calendar: &Calendar, cast: &Cast) -> Done {
    let module = &fixture.module;
    let define = DefineModule {
        module_id: Some(cast.module),
        code: module.code.clone(),
        title: module.title.clone(),
        weeks: module.weeks,
    };
    stage.perform(Act::by(cast.admin, "define the module", define)).await?;

    let schedule = |cohort: CohortId, name: &Name, weeks_later: u64, capacity: Capacity| ScheduleCohort {
        copy_from: None,
        cohort_id: Some(cohort),
        module_id: cast.module,
        name: name.clone(),
        starts_on: calendar.starts_on.checked_add_days(Days::new(7 * weeks_later)).unwrap_or(calendar.starts_on),
        session_start: fixture.session_start,
        session_minutes: const { Minutes::try_new(120).expect("in range") },
        timezone: fixture.zone,
        capacity: Some(capacity),
        absence_threshold: Week::THREE,
        reflection_grace_days: const { GraceDays::try_new(14).expect("in range") },
    };
    let this = schedule(cast.cohort, &fixture.cohort.name, 0, fixture.cohort.capacity);
    stage.perform(Act::by(cast.admin, "schedule the cohort", this)).await?;
    let cohort_id = cast.cohort;
    let lead = AppointInstructor { cohort_id, person_id: cast.instructor, lead: true };
    stage.perform(Act::by(cast.admin, "appoint the instructor", lead)).await?;
    for (n, person_id) in (1..).zip(cast.markers.iter().copied()) {
        let appoint = AppointMarker { cohort_id, person_id };
        stage.perform(Act::by(cast.admin, format!("appoint marker {n}"), appoint)).await?;
    }
    syllabus::play(stage, fixture, cast).await?;
    let next = &fixture.next_cohort;
    let next = schedule(cast.next_cohort, &next.name, next.starts_weeks_later, next.capacity);
    let copy = ScheduleCohort { copy_from: Some(cast.cohort), ..next };
    stage.perform(Act::by(cast.admin, "schedule the next cohort", copy)).await?;
    Ok(())
}

async fn hubs(stage: &Stage, fixture: &Fixture, cast: &Cast) -> Done {
    let found = cast.hubs.iter().zip(&fixture.hubs).map(|(hub, written)| {
        let command = FoundHub { hub_id: Some(hub.id), name: written.name.clone(), place: Some(written.place.clone()) };
        Act::by(cast.admin, format!("found {}", hub.name), command)
    });
    stage.perform_all(found.collect()).await?;
    let appoint = cast.hubs.iter().map(|hub| {
        let command = AppointCoordinator { hub_id: hub.id, person_id: hub.coordinator };
        Act::by(cast.admin, format!("appoint the coordinator of {}", hub.name), command)
    });
    stage.perform_all(appoint.collect()).await?;
    Ok(())
}
