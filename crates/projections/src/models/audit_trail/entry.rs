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
        Event::Person(happened) => AuditEntry { person: Some(PersonId(id)), ..of_person(happened)? },
        Event::Module(happened) => AuditEntry { module: Some(ModuleId(id)), ..of_module(happened)? },
        Event::Cohort(happened) => AuditEntry { cohort: Some(CohortId(id)), ..of_cohort(happened)? },
        Event::Hub(happened) => AuditEntry { hub: Some(HubId(id)), ..of_hub(happened)? },
        Event::Syllabus(happened) => AuditEntry { cohort: Some(CohortId(id)), ..of_syllabus(happened) },
        Event::Enrolment(happened) => AuditEntry { enrolment: Some(EnrolmentId(id)), ..of_enrolment(happened)? },
        Event::WeekEmails(happened) => AuditEntry { cohort: Some(CohortId(id)), ..of_week_emails(happened) },
        Event::Account(happened) => AuditEntry { person: Some(PersonId(id)), ..of_account(happened) },
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
pub(super) struct AuditEntry {
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

impl AuditEntry {
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

    pub(super) fn reason(self, reason: &Personal<String>) -> Self {
        Self { reason: Some(reason.clone()), ..self }
    }
}

fn of_person(event: &PersonEvent) -> Option<AuditEntry> {
    Some(match event {
        PersonEvent::RoleGranted { role: _, bootstrapped: _ } => AuditEntry::new(Action::RoleGranted),
        PersonEvent::RoleRevoked { role: _ } => AuditEntry::new(Action::RoleRevoked),
        PersonEvent::PersonDeactivated { reason } => AuditEntry::new(Action::Deactivated).reason(reason),
        PersonEvent::PersonReactivated {} => AuditEntry::new(Action::Reactivated),
        PersonEvent::OwnerReleased {} => AuditEntry::new(Action::OwnerReleased),
        PersonEvent::AccessEnded {} => AuditEntry::new(Action::AccessEnded),
        PersonEvent::SecondFactorAdded { factor_id: _, kind } => {
            AuditEntry::new(Action::SecondFactorAdded).reason(&factor(*kind).into())
        }
        PersonEvent::SecondFactorRemoved { factor_id: _, kind, themselves: _ } => {
            AuditEntry::new(Action::SecondFactorRemoved).reason(&factor(*kind).into())
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

fn of_module(event: &ModuleEvent) -> Option<AuditEntry> {
    Some(match event {
        ModuleEvent::ModuleDefined { .. } => AuditEntry::new(Action::ModuleDefined),
        ModuleEvent::ModuleRetired {} => AuditEntry::new(Action::ModuleRetired),
        ModuleEvent::ModuleRenamed { .. } => return None,
    })
}

fn of_cohort(event: &CohortEvent) -> Option<AuditEntry> {
    Some(match event {
        CohortEvent::CohortScheduled { .. } => AuditEntry::new(Action::CohortScheduled),
        CohortEvent::SessionRescheduled { week, starts_at: _, minutes: _, reason } => {
            AuditEntry::new(Action::SessionRescheduled).weeks(*week, *week).reason(reason)
        }
        CohortEvent::SessionCancelled { week, reason } => {
            AuditEntry::new(Action::SessionCancelled).weeks(*week, *week).reason(reason)
        }
        CohortEvent::CapacitySet { capacity: _ } => AuditEntry::new(Action::CapacitySet),
        CohortEvent::CohortStarted {} => AuditEntry::new(Action::CohortStarted),
        CohortEvent::CohortCompleted {} => AuditEntry::new(Action::CohortCompleted),
        CohortEvent::CohortCancelled { reason } => AuditEntry::new(Action::CohortCancelled).reason(reason),
        CohortEvent::CohortArchived {} => AuditEntry::new(Action::CohortArchived),
        CohortEvent::MarkerAppointed { person_id } => AuditEntry::new(Action::MarkerAppointed).person(*person_id),
        CohortEvent::MarkerDismissed { person_id } => AuditEntry::new(Action::MarkerDismissed).person(*person_id),
        CohortEvent::InstructorAppointed { person_id, lead: _ } => {
            AuditEntry::new(Action::InstructorAppointed).person(*person_id)
        }
        CohortEvent::InstructorDismissed { person_id } => {
            AuditEntry::new(Action::InstructorDismissed).person(*person_id)
        }
        CohortEvent::CohortRenamed { .. } => return None,
    })
}

fn of_hub(event: &HubEvent) -> Option<AuditEntry> {
    Some(match event {
        HubEvent::HubFounded { .. } => AuditEntry::new(Action::HubFounded),
        HubEvent::HubClosed {} => AuditEntry::new(Action::HubClosed),
        HubEvent::CoordinatorAppointed { person_id } => {
            AuditEntry::new(Action::CoordinatorAppointed).person(*person_id)
        }
        HubEvent::CoordinatorDismissed { person_id } => {
            AuditEntry::new(Action::CoordinatorDismissed).person(*person_id)
        }
        HubEvent::HubRenamed { .. } => return None,
    })
}

fn of_syllabus(event: &SyllabusEvent) -> AuditEntry {
    match event {
        SyllabusEvent::ContentCopied { .. } => AuditEntry::new(Action::ContentCopied),
        SyllabusEvent::MaterialAdded { week, .. } => {
            AuditEntry { to_week: Some(*week), ..AuditEntry::new(Action::MaterialAdded) }
        }
        SyllabusEvent::MaterialUpdated { week, .. } => AuditEntry::new(Action::MaterialUpdated).weeks(*week, *week),
        SyllabusEvent::MaterialMoved { from_week, week, .. } => {
            AuditEntry::new(Action::MaterialMoved).weeks(*from_week, *week)
        }
        SyllabusEvent::MaterialRemoved { week, .. } => {
            AuditEntry { from_week: Some(*week), ..AuditEntry::new(Action::MaterialRemoved) }
        }
        SyllabusEvent::ReflectionQuestionSet { week, text: _ } => {
            AuditEntry::new(Action::ReflectionQuestionSet).weeks(*week, *week)
        }
    }
}

fn of_enrolment(event: &EnrolmentEvent) -> Option<AuditEntry> {
    Some(match event {
        EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
            cohort_id: _,
            person_id: _,
            hub_id,
            week,
            moved_from: _,
            origin: _,
        }) => AuditEntry { to_week: Some(*week), hub: *hub_id, ..AuditEntry::new(Action::Enrolled) },
        EnrolmentEvent::Membership(MembershipEvent::HubJoined { hub_id, previous: _, origin: _ }) => {
            AuditEntry::new(Action::HubJoined).hub(*hub_id)
        }
        EnrolmentEvent::Membership(MembershipEvent::HubLeft { hub_id }) => {
            AuditEntry::new(Action::HubLeft).hub(*hub_id)
        }
        EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagRaised { flag: _, missed_weeks }) => {
            AuditEntry::new(Action::FlagRaised).reason(&absent_in(missed_weeks).into())
        }
        EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagCleared { flag: _, missed_weeks }) => {
            AuditEntry::new(Action::FlagCleared).reason(&absent_in(missed_weeks).into())
        }
        EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagResolved { flag: _, reason }) => {
            AuditEntry::new(Action::FlagResolved).reason(reason)
        }
        EnrolmentEvent::Progression(ProgressionEvent::StudentAdvanced { from_week, to_week, reason }) => {
            AuditEntry { reason: reason.clone(), ..AuditEntry::new(Action::Advanced).weeks(*from_week, *to_week) }
        }
        EnrolmentEvent::Progression(ProgressionEvent::StudentHeld { week, reason }) => {
            AuditEntry::new(Action::Held).weeks(*week, *week).reason(reason)
        }
        EnrolmentEvent::Progression(ProgressionEvent::StudentReleased { week, reason }) => {
            AuditEntry { reason: reason.clone(), ..AuditEntry::new(Action::Released).weeks(*week, *week) }
        }
        EnrolmentEvent::Progression(ProgressionEvent::WeekSet { from_week, week, reason }) => {
            AuditEntry::new(Action::WeekSet).weeks(*from_week, *week).reason(reason)
        }
        EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn { reason, moved_to: None }) => {
            AuditEntry::new(Action::Withdrawn).reason(reason)
        }
        EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn { reason, moved_to: Some(_) }) => {
            AuditEntry::new(Action::Moved).reason(reason)
        }
        EnrolmentEvent::Membership(MembershipEvent::StudentReinstated { moved_from: _ }) => {
            AuditEntry::new(Action::Reinstated)
        }
        EnrolmentEvent::Membership(MembershipEvent::EnrolmentCompleted {}) => AuditEntry::new(Action::Completed),
        EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned { .. }) => AuditEntry::new(Action::MarkerAssigned),
        EnrolmentEvent::Reflections(ReflectionEvent::MarkAmended { week, outcome: _, feedback: _, reason, by: _ }) => {
            AuditEntry::new(Action::MarkAmended).weeks(*week, *week).reason(reason)
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

fn of_week_emails(event: &WeekEmailsEvent) -> AuditEntry {
    match event {
        WeekEmailsEvent::WeekEmailsRequested { week, enrolments: _ } => {
            AuditEntry { to_week: Some(*week), ..AuditEntry::new(Action::WeekEmailsRequested) }
        }
        WeekEmailsEvent::EmailRetried { message_id: _, enrolment_id } => {
            AuditEntry { enrolment: Some(*enrolment_id), ..AuditEntry::new(Action::EmailRetried) }
        }
    }
}

/// No column is for sites, so the reason says which, and what.
fn of_site(site: SiteId, event: &SiteEvent) -> AuditEntry {
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
    AuditEntry::new(action).reason(&format!("site {site}: {what}").into())
}

fn of_site_settings(event: &SiteSettingsEvent) -> AuditEntry {
    match event {
        SiteSettingsEvent::SiteSettingSet { setting } => {
            AuditEntry::new(Action::SiteSettingSet).reason(&setting.to_string().into())
        }
    }
}
