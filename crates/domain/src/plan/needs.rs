//! What each command must know. Called again as facts arrive: a stream may refer to others.

use std::collections::BTreeSet;

use crate::actor::Actor;
use crate::claim::{ClaimKey, ClaimSet};
use crate::cohort::CohortCommand;
use crate::command::Command;
use crate::enrolment::EnrolmentCommand;
use crate::hub::HubCommand;
use crate::ids::{CohortId, EnrolmentId};
use crate::module::ModuleCommand;
use crate::person::{DeactivatePerson, PersonCommand, RevokeRole};
use crate::plan::ManyCommand;
use crate::plan::import::needs as import;
use crate::site::SiteCommand;
use crate::site_settings::SiteSettingsCommand;
use crate::syllabus::SyllabusCommand;
use crate::week_emails::WeekEmailsCommand;
use crate::world::{Need, Needs, World};

/// What is still missing to decide the command; empty means that [`super::plan`] can run.
pub fn needs(command: &Command, actor: Actor, world: &World) -> BTreeSet<Need> {
    let mut needs = Needs::new(world);
    if let Actor::Person(id) = actor {
        needs.person(id);
    }
    match command {
        Command::Person(command) => person(command, &mut needs),
        Command::Module(command) => module(command, &mut needs),
        Command::Cohort(command) => cohort(command, &mut needs),
        Command::Hub(command) => hub(command, &mut needs),
        Command::Enrolment(command) => enrolment(command, &mut needs),
        Command::Many(command) => many(command, &mut needs),
        Command::Syllabus(command) => syllabus(command, &mut needs),
        Command::WeekEmails(command) => week_emails(command, &mut needs),
        Command::Account(command) => {
            needs.person(command.person());
            needs.account(command.person().into());
        }
        Command::Site(command) => site(command, &mut needs),
        Command::SiteSettings(SiteSettingsCommand::SetSiteSetting(c)) => {
            if let Some(site) = c.site {
                needs.site_settings(site.into());
            }
        }
    }
    needs.missing()
}

fn person(command: &PersonCommand, needs: &mut Needs<'_>) {
    match command {
        PersonCommand::RegisterPerson(c) => {
            if let Some(id) = c.person_id {
                needs.person(id);
            }
            needs.owner(ClaimKey::email(c.email.reveal().as_str()));
            if let Some(external_id) = &c.external_id {
                needs.owner(ClaimKey::external_id(external_id.reveal().as_str()));
            }
        }
        PersonCommand::CorrectPerson(c) => {
            needs.person(c.person_id);
            if let Some(email) = &c.email {
                needs.owner(ClaimKey::email(email.reveal().as_str()));
            }
        }
        PersonCommand::ChangeEmail(c) => {
            needs.person(c.person_id);
            needs.owner(ClaimKey::email(c.email.reveal().as_str()));
        }
        PersonCommand::GrantRole(c) => drop(needs.person(c.person_id)),
        PersonCommand::RevokeRole(RevokeRole { person_id, .. })
        | PersonCommand::DeactivatePerson(DeactivatePerson { person_id, .. }) => {
            needs.person(*person_id);
            needs.ask(Need::Count(ClaimSet::owners()));
        }
        PersonCommand::ReactivatePerson(c) => drop(needs.person(c.person_id)),
        PersonCommand::EndAccess(c) => drop(needs.person(c.person_id)),
        PersonCommand::ReleaseOwner(c) => drop(needs.person(c.person_id)),
        PersonCommand::AddSecondFactor(c) => drop(needs.person(c.person_id)),
        PersonCommand::RemoveSecondFactor(c) => drop(needs.person(c.person_id)),
        PersonCommand::RemoveSecondFactors(c) => drop(needs.person(c.person_id)),
        PersonCommand::BootstrapOwner(c) => {
            needs.person(c.person_id);
            if let Some(owner) = needs.owner(ClaimKey::email(c.email.reveal().as_str())) {
                needs.person(owner.into());
            }
        }
    }
}

fn module(command: &ModuleCommand, needs: &mut Needs<'_>) {
    match command {
        ModuleCommand::DefineModule(c) => {
            if let Some(id) = c.module_id {
                needs.module(id);
            }
            needs.owner(ClaimKey::module_code(c.code.as_str()));
        }
        ModuleCommand::RenameModule(c) => drop(needs.module(c.module_id)),
        ModuleCommand::RetireModule(c) => drop(needs.module(c.module_id)),
    }
}

fn cohort(command: &CohortCommand, needs: &mut Needs<'_>) {
    match command {
        CohortCommand::ScheduleCohort(c) => {
            if let Some(id) = c.cohort_id {
                needs.cohort(id);
            }
            needs.module(c.module_id);
            if let Some((from, id)) = c.copy_from.zip(c.cohort_id) {
                needs.cohort(from);
                needs.syllabus(from.into());
                needs.syllabus(id.into());
            }
        }
        CohortCommand::RenameCohort(c) => drop(needs.cohort(c.cohort_id)),
        CohortCommand::RescheduleSession(c) => drop(needs.cohort(c.cohort_id)),
        CohortCommand::CancelSession(c) => drop(needs.cohort(c.cohort_id)),
        CohortCommand::SetCapacity(c) => {
            needs.cohort(c.cohort_id);
            needs.ask(Need::Count(ClaimSet::places(c.cohort_id)));
        }
        CohortCommand::StartCohort(c) => drop(needs.cohort(c.cohort_id)),
        CohortCommand::CompleteCohort(c) => active_students(c.cohort_id, needs),
        CohortCommand::CancelCohort(c) => active_students(c.cohort_id, needs),
        CohortCommand::ArchiveCohort(c) => drop(needs.cohort(c.cohort_id)),
        CohortCommand::AppointMarker(c) => {
            needs.cohort(c.cohort_id);
            needs.person(c.person_id);
        }
        CohortCommand::DismissMarker(c) => students_of(c.cohort_id, ClaimSet::enrolments(c.cohort_id), needs),
        CohortCommand::AppointInstructor(c) => {
            needs.cohort(c.cohort_id);
            needs.person(c.person_id);
        }
        CohortCommand::DismissInstructor(c) => drop(needs.cohort(c.cohort_id)),
    }
}

fn hub(command: &HubCommand, needs: &mut Needs<'_>) {
    match command {
        HubCommand::FoundHub(c) => {
            if let Some(id) = c.hub_id {
                needs.hub(id);
            }
        }
        HubCommand::RenameHub(c) => drop(needs.hub(c.hub_id)),
        HubCommand::AppointCoordinator(c) => {
            needs.hub(c.hub_id);
            needs.person(c.person_id);
        }
        HubCommand::DismissCoordinator(c) => drop(needs.hub(c.hub_id)),
        HubCommand::CloseHub(c) => {
            needs.hub(c.hub_id);
            needs.ask(Need::Count(ClaimSet::hub_places(c.hub_id)));
        }
    }
}

fn enrolment(command: &EnrolmentCommand, needs: &mut Needs<'_>) {
    match command {
        EnrolmentCommand::EnrolStudent(c) => {
            if let Some(id) = c.enrolment_id {
                needs.enrolment(id);
            }
            needs.cohort(c.cohort_id);
            needs.person(c.person_id);
            if let Some(hub) = c.hub_id {
                needs.hub(hub);
            }
            needs.ask(Need::Count(ClaimSet::places(c.cohort_id)));
            needs.owner(ClaimKey::active_enrolment(c.person_id));
            needs.owner(ClaimKey::enrolment(c.cohort_id, c.person_id));
        }
        EnrolmentCommand::JoinHub(c) => {
            student(c.enrolment_id, needs);
            if let Some(hub) = c.hub_id {
                needs.hub(hub);
            }
        }
        EnrolmentCommand::MarkAttendance(c) => student(c.enrolment_id, needs),
        EnrolmentCommand::ResolveAbsenceFlag(c) => student(c.enrolment_id, needs),
        EnrolmentCommand::AdvanceStudent(c) => student(c.enrolment_id, needs),
        EnrolmentCommand::HoldStudent(c) => student(c.enrolment_id, needs),
        EnrolmentCommand::ReleaseStudent(c) => student(c.enrolment_id, needs),
        EnrolmentCommand::SetWeek(c) => student(c.enrolment_id, needs),
        EnrolmentCommand::WithdrawStudent(c) => student(c.enrolment_id, needs),
        EnrolmentCommand::ReinstateStudent(c) => {
            let enrolment = needs.enrolment(c.enrolment_id);
            if let Some((cohort, person)) = enrolment.and_then(|e| e.state.cohort_id.zip(e.state.person_id)) {
                needs.ask(Need::Count(ClaimSet::places(cohort)));
                needs.owner(ClaimKey::active_enrolment(person));
            }
            student(c.enrolment_id, needs);
        }
        EnrolmentCommand::CompleteEnrolment(c) => student(c.enrolment_id, needs),
        EnrolmentCommand::SubmitReflection(c) => student(c.enrolment_id, needs),
        EnrolmentCommand::SetReflectionVisibility(c) => student(c.enrolment_id, needs),
        EnrolmentCommand::AssignMarker(c) => student(c.enrolment_id, needs),
        EnrolmentCommand::MarkReflection(c) => student(c.enrolment_id, needs),
        EnrolmentCommand::AmendMark(c) => student(c.enrolment_id, needs),
    }
}

fn many(command: &ManyCommand, needs: &mut Needs<'_>) {
    match command {
        ManyCommand::TakeAttendance(c) => {
            needs.cohort(c.cohort_id);
            for mark in &c.marks {
                student(mark.enrolment_id, needs);
            }
        }
        ManyCommand::AdvanceCohort(c) => active_students(c.cohort_id, needs),
        ManyCommand::AllocateMarkers(c) => active_students(c.cohort_id, needs),
        ManyCommand::MoveStudent(c) => {
            student(c.enrolment_id, needs);
            needs.cohort(c.to_cohort_id);
            needs.ask(Need::Count(ClaimSet::places(c.to_cohort_id)));
            if let Some(id) = c.new_enrolment_id {
                needs.enrolment(id);
            }
            if let Some(person) = needs.enrolment(c.enrolment_id).and_then(|e| e.state.person_id)
                && let Some(before) = needs.owner(ClaimKey::enrolment(c.to_cohort_id, person))
            {
                needs.enrolment(before.into());
            }
        }
        ManyCommand::ImportRoster(c) => import::roster(c, needs),
        ManyCommand::ImportAttendance(c) => import::attendance(c, needs),
    }
}

fn syllabus(command: &SyllabusCommand, needs: &mut Needs<'_>) {
    let cohort = command.cohort();
    needs.cohort(cohort);
    needs.syllabus(cohort.into());
    if let Some(upload) = command.upload() {
        needs.owner(ClaimKey::upload(upload));
    }
}

fn week_emails(command: &WeekEmailsCommand, needs: &mut Needs<'_>) {
    match command {
        WeekEmailsCommand::SendWeekEmails(c) => {
            needs.week_emails(c.cohort_id.into());
            active_students(c.cohort_id, needs);
        }
        WeekEmailsCommand::RetryEmail(c) => {
            needs.week_emails(c.cohort_id.into());
            needs.cohort(c.cohort_id);
            needs.enrolment(c.enrolment_id);
        }
    }
}

fn site(command: &SiteCommand, needs: &mut Needs<'_>) {
    if let Some(id) = command.site() {
        needs.site(id);
    }
    match command {
        SiteCommand::OpenSite(c) => drop(needs.owner(ClaimKey::site_slug(c.slug.as_str()))),
        SiteCommand::SetSiteHosts(c) => {
            for given in &c.hosts {
                needs.owner(ClaimKey::site_host(given.host.as_str()));
            }
        }
        SiteCommand::RenameSite(_)
        | SiteCommand::CloseSite(_)
        | SiteCommand::ReopenSite(_)
        | SiteCommand::GiveSiteDatabase(_)
        | SiteCommand::ActivateSite(_) => {}
    }
}

/// An enrolment, with its cohort, its student and its present hub.
pub(super) fn student(id: EnrolmentId, needs: &mut Needs<'_>) {
    let Some(enrolment) = needs.enrolment(id) else { return };
    if let Some(cohort) = enrolment.state.cohort_id {
        needs.cohort(cohort);
    }
    if let Some(person) = enrolment.state.person_id {
        needs.person(person);
    }
    if let Some(hub) = enrolment.state.hub_id {
        needs.hub(hub);
    }
}

/// A cohort with all its active enrolments.
fn active_students(id: CohortId, needs: &mut Needs<'_>) {
    students_of(id, ClaimSet::places(id), needs);
}

/// A cohort with the enrolments of one of its sets.
fn students_of(id: CohortId, set: ClaimSet, needs: &mut Needs<'_>) {
    needs.cohort(id);
    for enrolment in needs.members(set) {
        needs.enrolment(enrolment.into());
    }
}
