//! Which events are decisions that the audit trail keeps, and what each says.

use rollbook_domain::cohort::CohortEvent;
use rollbook_domain::enrolment::{
    AttendanceEvent, EnrolmentEvent, MembershipEvent, ProgressionEvent, ReflectionEvent, absent_in,
};
use rollbook_domain::hub::HubEvent;
use rollbook_domain::module::ModuleEvent;
use rollbook_domain::person::{PersonEvent, SecondFactorKind};
use rollbook_domain::site::SiteEvent;
use rollbook_domain::site_settings::SiteSettingsEvent;
use rollbook_domain::syllabus::SyllabusEvent;
use rollbook_domain::week_emails::WeekEmailsEvent;
use rollbook_domain::{CohortId, EnrolmentId, Event, HubId, ModuleId, PersonId, Personal, SiteId};
use rollbook_store::Recorded;

use super::account::of_account;
use super::{AuditAction as Action, Row};

/// The entry of an event; none for an event that is no decision.
pub(super) fn of(event: &Recorded) -> Option<Row> {
    let id = event.stream.id;
    let said = match &event.event {
        Event::Person(happened) => Said { person: Some(PersonId(id)), ..of_person(happened)? },
        Event::Module(happened) => Said { module: Some(ModuleId(id)), ..of_module(happened)? },
        Event::Cohort(happened) => Said { cohort: Some(CohortId(id)), ..of_cohort(happened)? },
        Event::Hub(happened) => Said { hub: Some(HubId(id)), ..of_hub(happened)? },
        Event::Syllabus(happened) => Said { cohort: Some(CohortId(id)), ..of_syllabus(happened) },
        Event::Enrolment(happened) => Said { enrolment: Some(EnrolmentId(id)), ..of_enrolment(happened)? },
        Event::WeekEmails(happened) => Said { cohort: Some(CohortId(id)), ..of_week_emails(happened) },
        Event::Account(happened) => Said { person: Some(PersonId(id)), ..of_account(happened) },
        Event::Site(happened) => of_site(SiteId(id), happened),
        Event::SiteSettings(happened) => of_site_settings(happened),
    };
    Some(Row {
        position: event.position,
        at: event.recorded_at,
        actor_id: event.actor,
        authority: event.authority,
        action: said.action,
        enrolment_id: said.enrolment,
        person_id: said.person,
        cohort_id: said.cohort,
        hub_id: said.hub,
        module_id: said.module,
        from_week: said.from_week,
        to_week: said.to_week,
        reason: said.reason,
        command_id: event.command_id,
    })
}

/// What an event says about a decision.
pub(super) struct Said {
    action: Action,
    enrolment: Option<EnrolmentId>,
    person: Option<PersonId>,
    cohort: Option<CohortId>,
    hub: Option<HubId>,
    module: Option<ModuleId>,
    from_week: Option<u8>,
    to_week: Option<u8>,
    reason: Option<Personal<String>>,
}

impl Said {
    pub(super) fn new(action: Action) -> Self {
        Self {
            action,
            enrolment: None,
            person: None,
            cohort: None,
            hub: None,
            module: None,
            from_week: None,
            to_week: None,
            reason: None,
        }
    }

    fn person(self, person: PersonId) -> Self {
        Self { person: Some(person), ..self }
    }

    fn hub(self, hub: HubId) -> Self {
        Self { hub: Some(hub), ..self }
    }

    fn weeks(self, from: u8, to: u8) -> Self {
        Self { from_week: Some(from), to_week: Some(to), ..self }
    }

    pub(super) fn why(self, reason: &Personal<String>) -> Self {
        Self { reason: Some(reason.clone()), ..self }
    }
}

fn of_person(event: &PersonEvent) -> Option<Said> {
    Some(match event {
        PersonEvent::RoleGranted { role: _, bootstrapped: _ } => Said::new(Action::RoleGranted),
        PersonEvent::RoleRevoked { role: _ } => Said::new(Action::RoleRevoked),
        PersonEvent::PersonDeactivated { reason } => Said::new(Action::Deactivated).why(reason),
        PersonEvent::PersonReactivated {} => Said::new(Action::Reactivated),
        PersonEvent::OwnerReleased {} => Said::new(Action::OwnerReleased),
        PersonEvent::AccessEnded {} => Said::new(Action::AccessEnded),
        PersonEvent::SecondFactorAdded { factor_id: _, kind } => {
            Said::new(Action::SecondFactorAdded).why(&factor(*kind).into())
        }
        PersonEvent::SecondFactorRemoved { factor_id: _, kind, themselves: _ } => {
            Said::new(Action::SecondFactorRemoved).why(&factor(*kind).into())
        }
        PersonEvent::PersonRegistered { .. }
        | PersonEvent::PersonCorrected { .. }
        | PersonEvent::ExternalIdAssigned { .. } => return None,
    })
}

fn factor(kind: SecondFactorKind) -> &'static str {
    match kind {
        SecondFactorKind::Totp => "an app with codes",
        SecondFactorKind::Passkey => "a passkey",
    }
}

fn of_module(event: &ModuleEvent) -> Option<Said> {
    Some(match event {
        ModuleEvent::ModuleDefined { .. } => Said::new(Action::ModuleDefined),
        ModuleEvent::ModuleRetired {} => Said::new(Action::ModuleRetired),
        ModuleEvent::ModuleRenamed { .. } => return None,
    })
}

fn of_cohort(event: &CohortEvent) -> Option<Said> {
    Some(match event {
        CohortEvent::CohortScheduled { .. } => Said::new(Action::CohortScheduled),
        CohortEvent::SessionRescheduled { week, starts_at: _, minutes: _, reason } => {
            Said::new(Action::SessionRescheduled).weeks(*week, *week).why(reason)
        }
        CohortEvent::SessionCancelled { week, reason } => {
            Said::new(Action::SessionCancelled).weeks(*week, *week).why(reason)
        }
        CohortEvent::CapacitySet { capacity: _ } => Said::new(Action::CapacitySet),
        CohortEvent::CohortStarted {} => Said::new(Action::CohortStarted),
        CohortEvent::CohortCompleted {} => Said::new(Action::CohortCompleted),
        CohortEvent::CohortCancelled { reason } => Said::new(Action::CohortCancelled).why(reason),
        CohortEvent::CohortArchived {} => Said::new(Action::CohortArchived),
        CohortEvent::MarkerAppointed { person_id } => Said::new(Action::MarkerAppointed).person(*person_id),
        CohortEvent::MarkerDismissed { person_id } => Said::new(Action::MarkerDismissed).person(*person_id),
        CohortEvent::InstructorAppointed { person_id, lead: _ } => {
            Said::new(Action::InstructorAppointed).person(*person_id)
        }
        CohortEvent::InstructorDismissed { person_id } => Said::new(Action::InstructorDismissed).person(*person_id),
        CohortEvent::CohortRenamed { .. } => return None,
    })
}

fn of_hub(event: &HubEvent) -> Option<Said> {
    Some(match event {
        HubEvent::HubFounded { .. } => Said::new(Action::HubFounded),
        HubEvent::HubClosed {} => Said::new(Action::HubClosed),
        HubEvent::CoordinatorAppointed { person_id } => Said::new(Action::CoordinatorAppointed).person(*person_id),
        HubEvent::CoordinatorDismissed { person_id } => Said::new(Action::CoordinatorDismissed).person(*person_id),
        HubEvent::HubRenamed { .. } => return None,
    })
}

fn of_syllabus(event: &SyllabusEvent) -> Said {
    match event {
        SyllabusEvent::ContentCopied { .. } => Said::new(Action::ContentCopied),
        SyllabusEvent::MaterialAdded { week, .. } => Said { to_week: Some(*week), ..Said::new(Action::MaterialAdded) },
        SyllabusEvent::MaterialUpdated { week, .. } => Said::new(Action::MaterialUpdated).weeks(*week, *week),
        SyllabusEvent::MaterialMoved { from_week, week, .. } => {
            Said::new(Action::MaterialMoved).weeks(*from_week, *week)
        }
        SyllabusEvent::MaterialRemoved { week, .. } => {
            Said { from_week: Some(*week), ..Said::new(Action::MaterialRemoved) }
        }
        SyllabusEvent::ReflectionQuestionSet { week, text: _ } => {
            Said::new(Action::ReflectionQuestionSet).weeks(*week, *week)
        }
    }
}

fn of_enrolment(event: &EnrolmentEvent) -> Option<Said> {
    Some(match event {
        EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
            cohort_id: _,
            person_id: _,
            hub_id,
            week,
            moved_from: _,
            origin: _,
        }) => Said { to_week: Some(*week), hub: *hub_id, ..Said::new(Action::Enrolled) },
        EnrolmentEvent::Membership(MembershipEvent::HubJoined { hub_id, previous: _, origin: _ }) => {
            Said::new(Action::HubJoined).hub(*hub_id)
        }
        EnrolmentEvent::Membership(MembershipEvent::HubLeft { hub_id }) => Said::new(Action::HubLeft).hub(*hub_id),
        EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagRaised { flag: _, missed_weeks }) => {
            Said::new(Action::FlagRaised).why(&absent_in(missed_weeks).into())
        }
        EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagCleared { flag: _, missed_weeks }) => {
            Said::new(Action::FlagCleared).why(&absent_in(missed_weeks).into())
        }
        EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagResolved { flag: _, reason }) => {
            Said::new(Action::FlagResolved).why(reason)
        }
        EnrolmentEvent::Progression(ProgressionEvent::StudentAdvanced { from_week, to_week, reason }) => {
            Said { reason: reason.clone(), ..Said::new(Action::Advanced).weeks(*from_week, *to_week) }
        }
        EnrolmentEvent::Progression(ProgressionEvent::StudentHeld { week, reason }) => {
            Said::new(Action::Held).weeks(*week, *week).why(reason)
        }
        EnrolmentEvent::Progression(ProgressionEvent::StudentReleased { week, reason }) => {
            Said { reason: reason.clone(), ..Said::new(Action::Released).weeks(*week, *week) }
        }
        EnrolmentEvent::Progression(ProgressionEvent::WeekSet { from_week, week, reason }) => {
            Said::new(Action::WeekSet).weeks(*from_week, *week).why(reason)
        }
        EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn { reason, moved_to: None }) => {
            Said::new(Action::Withdrawn).why(reason)
        }
        EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn { reason, moved_to: Some(_) }) => {
            Said::new(Action::Moved).why(reason)
        }
        EnrolmentEvent::Membership(MembershipEvent::StudentReinstated { moved_from: _ }) => {
            Said::new(Action::Reinstated)
        }
        EnrolmentEvent::Membership(MembershipEvent::EnrolmentCompleted {}) => Said::new(Action::Completed),
        EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned { .. }) => Said::new(Action::MarkerAssigned),
        EnrolmentEvent::Reflections(ReflectionEvent::MarkAmended { week, outcome: _, feedback: _, reason, by: _ }) => {
            Said::new(Action::MarkAmended).weeks(*week, *week).why(reason)
        }
        EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked { .. })
        | EnrolmentEvent::Reflections(
            ReflectionEvent::ReflectionSubmitted { .. }
            | ReflectionEvent::ReflectionRevised { .. }
            | ReflectionEvent::ReflectionVisibilitySet { .. }
            | ReflectionEvent::ReflectionMarked { .. },
        ) => return None,
    })
}

fn of_week_emails(event: &WeekEmailsEvent) -> Said {
    match event {
        WeekEmailsEvent::WeekEmailsRequested { week, enrolments: _ } => {
            Said { to_week: Some(*week), ..Said::new(Action::WeekEmailsRequested) }
        }
        WeekEmailsEvent::EmailRetried { message_id: _, enrolment_id } => {
            Said { enrolment: Some(*enrolment_id), ..Said::new(Action::EmailRetried) }
        }
    }
}

/// No column is for sites, so the reason says which, and what.
fn of_site(site: SiteId, event: &SiteEvent) -> Said {
    let (action, what) = match event {
        SiteEvent::SiteOpened { slug, .. } => (Action::SiteOpened, slug.clone()),
        SiteEvent::SiteHostsSet { hosts } => {
            let hosts: Vec<_> = hosts.iter().map(|host| format!("{} ({})", host.host, host.admits)).collect();
            (Action::SiteHostsSet, if hosts.is_empty() { "no host".to_owned() } else { hosts.join(", ") })
        }
        SiteEvent::SiteRenamed { name } => (Action::SiteRenamed, name.clone()),
        SiteEvent::SiteClosed { reason } => (Action::SiteClosed, reason.as_str().to_owned()),
        SiteEvent::SiteReopened {} => (Action::SiteReopened, "open again".to_owned()),
        SiteEvent::SiteDatabaseWanted {} => (Action::SiteDatabaseWanted, "a database of its own".to_owned()),
        SiteEvent::SiteDatabaseGiven {} => (Action::SiteDatabaseGiven, "a database of its own".to_owned()),
        SiteEvent::SiteActivated {} => (Action::SiteActivated, "its database is set up".to_owned()),
    };
    Said::new(action).why(&format!("site {site}: {what}").into())
}

fn of_site_settings(event: &SiteSettingsEvent) -> Said {
    match event {
        SiteSettingsEvent::SiteSettingSet { setting } => {
            Said::new(Action::SiteSettingSet).why(&setting.to_string().into())
        }
    }
}
