//! Histories to fold, also impossible ones: a fold must not care.

use chrono::{DateTime, NaiveTime, Utc};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use rollbook_domain::account::{
    AccountEvent, InvitationPurpose, KeyScope, PasswordChange, ShownFactor, SignInFailure, SignInMethod,
};
use rollbook_domain::cohort::{CohortEvent, ScheduledSession, Zone};
use rollbook_domain::enrolment::{
    AttendanceEvent, AttendanceStatus, EnrolmentEvent, MembershipEvent, Outcome, ProgressionEvent, ReflectionEvent,
    Venue, Visibility,
};
use rollbook_domain::hub::HubEvent;
use rollbook_domain::module::ModuleEvent;
use rollbook_domain::person::{PersonEvent, Role, SecondFactorKind};
use rollbook_domain::site::{HostAdmits, SiteEvent, SiteHost};
use rollbook_domain::site_settings::{SecondFactorPolicy, SettingValue, SiteSettingsEvent};
use rollbook_domain::syllabus::{CopiedMaterial, MaterialContent, SyllabusEvent};
use rollbook_domain::week_emails::WeekEmailsEvent;
use rollbook_domain::{
    AccountId, Authority, CohortId, CommandId, EnrolmentId, Event, HubId, MaterialId, MessageId, ModuleId, Origin,
    PersonId, Personal, SiteId, SiteSettingsId, StreamId, SyllabusId, WeekEmailsId,
};
use rollbook_store::Recorded;
use uuid::Uuid;

/// One of a few ids, so that events meet.
fn id<T: From<Uuid> + std::fmt::Debug>(kind: u128) -> impl Strategy<Value = T> {
    (1..=3_u128).prop_map(move |n| T::from(Uuid::from_u128(kind * 100 + n)))
}

fn person() -> impl Strategy<Value = PersonId> {
    id(1)
}

fn text() -> impl Strategy<Value = Personal<String>> {
    prop_oneof!["Zoë", "陈美玲", "Ærø \"q\" \\ \n"].prop_map(Personal::from)
}

fn origin() -> impl Strategy<Value = Origin> {
    prop_oneof![Just(Origin::Hand), Just(Origin::File)]
}

fn week() -> impl Strategy<Value = u8> {
    1..=3_u8
}

fn visibility() -> impl Strategy<Value = Visibility> {
    prop_oneof![Just(Visibility::Cohort), Just(Visibility::Private)]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![Just(Outcome::Pass), Just(Outcome::Fail)]
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_755_590_400 + seconds, 123_456_000).unwrap_or_default()
}

fn factor() -> impl Strategy<Value = (Uuid, SecondFactorKind)> {
    let kind = prop_oneof![Just(SecondFactorKind::Totp), Just(SecondFactorKind::Passkey)];
    ((1..=3_u128).prop_map(Uuid::from_u128), kind)
}

fn of_person() -> BoxedStrategy<PersonEvent> {
    let role = || prop_oneof![Just(Role::Owner), Just(Role::Admin)];
    prop_oneof![
        3 => (text(), text(), option::of(text()), origin()).prop_map(|(name, email, external_id, origin)| {
            PersonEvent::PersonRegistered { name, email, external_id, origin }
        }),
        1 => (option::of(text()), option::of(text()), origin())
            .prop_map(|(name, email, origin)| {
                let email_before = email.as_ref().map(|_| "before@example.org".into());
                PersonEvent::PersonCorrected { name, email, origin, themselves: false, email_before }
            }),
        1 => text().prop_map(|external_id| PersonEvent::ExternalIdAssigned { external_id }),
        1 => (role(), any::<bool>()).prop_map(|(role, bootstrapped)| PersonEvent::RoleGranted { role, bootstrapped }),
        1 => role().prop_map(|role| PersonEvent::RoleRevoked { role }),
        1 => text().prop_map(|reason| PersonEvent::PersonDeactivated { reason }),
        1 => Just(PersonEvent::PersonReactivated {}),
        1 => Just(PersonEvent::AccessEnded {}),
        1 => Just(PersonEvent::OwnerReleased {}),
        1 => factor().prop_map(|(factor_id, kind)| PersonEvent::SecondFactorAdded { factor_id, kind }),
        1 => (factor(), any::<bool>()).prop_map(|((factor_id, kind), themselves)| {
            PersonEvent::SecondFactorRemoved { factor_id, kind, themselves }
        }),
    ]
    .boxed()
}

fn of_module() -> BoxedStrategy<ModuleEvent> {
    prop_oneof![
        Just(ModuleEvent::ModuleDefined { code: "M1".into(), title: "First".into(), weeks: 8 }),
        Just(ModuleEvent::ModuleRenamed { title: "Second".into() }),
        Just(ModuleEvent::ModuleRetired {}),
    ]
    .boxed()
}

fn of_cohort() -> BoxedStrategy<CohortEvent> {
    prop_oneof![
        4 => (id::<ModuleId>(2), option::of(1..90_u32)).prop_map(|(module_id, capacity)| {
            CohortEvent::CohortScheduled {
                module_id,
                name: "Autumn".into(),
                starts_on: at(0).date_naive(),
                session_start: NaiveTime::MIN,
                session_minutes: 120,
                timezone: Zone::UTC,
                capacity,
                absence_threshold: 3,
                reflection_grace_days: 14,
                sessions: (1..=3).map(|week| ScheduledSession { week, starts_at: at(i64::from(week)), minutes: 120 })
                    .collect(),
            }
        }),
        1 => (week(), text()).prop_map(|(week, reason)| {
            CohortEvent::SessionRescheduled { week, starts_at: at(77), minutes: 90, reason }
        }),
        1 => (week(), text()).prop_map(|(week, reason)| CohortEvent::SessionCancelled { week, reason }),
        1 => option::of(1..90_u32).prop_map(|capacity| CohortEvent::CapacitySet { capacity }),
        1 => Just(CohortEvent::CohortStarted {}),
        1 => Just(CohortEvent::CohortCompleted {}),
        1 => text().prop_map(|reason| CohortEvent::CohortCancelled { reason }),
        1 => person().prop_map(|person_id| CohortEvent::MarkerAppointed { person_id }),
        1 => person().prop_map(|person_id| CohortEvent::MarkerDismissed { person_id }),
        1 => (person(), any::<bool>()).prop_map(|(person_id, lead)| CohortEvent::InstructorAppointed { person_id, lead }),
        1 => person().prop_map(|person_id| CohortEvent::InstructorDismissed { person_id }),
    ]
    .boxed()
}

fn of_hub() -> BoxedStrategy<HubEvent> {
    prop_oneof![
        Just(HubEvent::HubFounded { name: "Örgryte".into(), place: None }),
        Just(HubEvent::HubRenamed { name: "North".into(), place: Some("Hall".into()) }),
        person().prop_map(|person_id| HubEvent::CoordinatorAppointed { person_id }),
        person().prop_map(|person_id| HubEvent::CoordinatorDismissed { person_id }),
        Just(HubEvent::HubClosed {}),
    ]
    .boxed()
}

fn of_enrolment() -> BoxedStrategy<EnrolmentEvent> {
    use AttendanceStatus::{Absent, Excused, Late, Present};
    let membership = prop_oneof![
        4 => (id::<CohortId>(3), person(), option::of(id::<HubId>(4)), option::of(id::<EnrolmentId>(5)), origin())
            .prop_map(|(cohort_id, person_id, hub_id, moved_from, origin)| {
                EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled { cohort_id, person_id, hub_id, week: 1, moved_from, origin })
            }),
        1 => (id::<HubId>(4), origin())
            .prop_map(|(hub_id, origin)| EnrolmentEvent::Membership(MembershipEvent::HubJoined { hub_id, previous: None, origin })),
        1 => id::<HubId>(4).prop_map(|hub_id| EnrolmentEvent::Membership(MembershipEvent::HubLeft { hub_id })),
        1 => (text(), option::of(id::<EnrolmentId>(5)))
            .prop_map(|(reason, moved_to)| EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn { reason, moved_to })),
        1 => option::of(id::<EnrolmentId>(5)).prop_map(|moved_from| EnrolmentEvent::Membership(MembershipEvent::StudentReinstated { moved_from })),
        1 => Just(EnrolmentEvent::Membership(MembershipEvent::EnrolmentCompleted {})),
    ]
    .boxed();
    let progression = prop_oneof![
        (week(), option::of(text())).prop_map(|(week, reason)| {
            EnrolmentEvent::Progression(ProgressionEvent::StudentAdvanced {
                from_week: week,
                to_week: week + 1,
                reason,
            })
        }),
        (week(), text())
            .prop_map(|(week, reason)| EnrolmentEvent::Progression(ProgressionEvent::StudentHeld { week, reason })),
        (week(), option::of(text()))
            .prop_map(|(week, reason)| EnrolmentEvent::Progression(ProgressionEvent::StudentReleased { week, reason })),
        (week(), week(), text()).prop_map(|(from_week, week, reason)| EnrolmentEvent::Progression(
            ProgressionEvent::WeekSet { from_week, week, reason }
        )),
        person().prop_map(|marker_id| EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned {
            marker_id,
            previous: None
        })),
    ]
    .boxed();
    let status = prop_oneof![Just(Present), Just(Absent), Just(Late), Just(Excused)];
    let place = option::of(prop_oneof![Just(Venue::Hub), Just(Venue::Flagship)]);
    let attendance = prop_oneof![
        4 => (week(), status, place, option::of(text()), option::of(person()), option::of(id::<HubId>(4))).prop_map(
            |(week, status, place, note, by, hub_id)| EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked {
                week,
                status,
                place,
                note,
                by,
                authority: Authority::Admin,
                hub_id
            })
        ),
        1 => (1..=2_u16, btree_set(week(), 0..4))
            .prop_map(|(flag, missed_weeks)| EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagRaised { flag, missed_weeks })),
        1 => (1..=2_u16, btree_set(week(), 0..4))
            .prop_map(|(flag, missed_weeks)| EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagCleared { flag, missed_weeks })),
        1 => (1..=2_u16, text()).prop_map(|(flag, reason)| EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagResolved { flag, reason })),
    ]
    .boxed();
    let reflections = prop_oneof![
        (week(), text(), visibility()).prop_map(|(week, text, visibility)| EnrolmentEvent::Reflections(
            ReflectionEvent::ReflectionSubmitted { week, text, visibility }
        )),
        (week(), text(), visibility()).prop_map(|(week, text, visibility)| EnrolmentEvent::Reflections(
            ReflectionEvent::ReflectionRevised { week, text, visibility }
        )),
        (week(), visibility()).prop_map(|(week, visibility)| EnrolmentEvent::Reflections(
            ReflectionEvent::ReflectionVisibilitySet { week, visibility }
        )),
        (week(), outcome(), text(), option::of(person())).prop_map(|(week, outcome, feedback, by)| {
            EnrolmentEvent::Reflections(ReflectionEvent::ReflectionMarked { week, outcome, feedback, by })
        }),
        (week(), outcome(), text(), text(), option::of(person())).prop_map(|(week, outcome, feedback, reason, by)| {
            EnrolmentEvent::Reflections(ReflectionEvent::MarkAmended { week, outcome, feedback, reason, by })
        }),
    ]
    .boxed();
    prop_oneof![membership, progression, attendance, reflections].boxed()
}

fn content() -> impl Strategy<Value = MaterialContent> {
    prop_oneof![
        text().prop_map(|text| MaterialContent::Page { markdown: text.into_inner() }),
        Just(MaterialContent::Video { youtube_id: "dQw4w9WgXcQ".into() }),
        Just(MaterialContent::Link { url: "https://example.org/".into() }),
    ]
}

fn of_syllabus() -> BoxedStrategy<SyllabusEvent> {
    let material = || id::<MaterialId>(7);
    let title = || text().prop_map(Personal::into_inner);
    let copied = (material(), material(), week(), 1..=4_u16, content()).prop_map(
        |(material_id, copied_from, week, position, content)| CopiedMaterial {
            material_id,
            copied_from,
            week,
            position,
            title: "Copy".into(),
            content,
        },
    );
    let question = || (week(), title());
    prop_oneof![
        4 => (material(), week(), 1..=4_u16, title(), content()).prop_map(
            |(material_id, week, position, title, content)| SyllabusEvent::MaterialAdded {
                material_id,
                week,
                position,
                title,
                content
            }
        ),
        1 => (material(), week(), option::of(title()), option::of(content())).prop_map(
            |(material_id, week, title, content)| SyllabusEvent::MaterialUpdated { material_id, week, title, content }
        ),
        2 => (material(), week(), week(), 1..=4_u16).prop_map(|(material_id, from_week, week, position)| {
            SyllabusEvent::MaterialMoved { material_id, from_week, week, position }
        }),
        1 => (material(), week()).prop_map(|(material_id, week)| SyllabusEvent::MaterialRemoved { material_id, week }),
        1 => (week(), option::of(title()))
            .prop_map(|(week, text)| SyllabusEvent::ReflectionQuestionSet { week, text }),
        1 => (id::<CohortId>(3), vec(copied, 0..3), vec(question(), 0..3)).prop_map(
            |(from_cohort, materials, questions)| SyllabusEvent::ContentCopied {
                from_cohort,
                materials,
                questions: questions.into_iter().collect()
            }
        ),
    ]
    .boxed()
}

fn of_week_emails() -> BoxedStrategy<WeekEmailsEvent> {
    prop_oneof![
        3 => (week(), btree_set(id::<EnrolmentId>(5), 0..4))
            .prop_map(|(week, enrolments)| WeekEmailsEvent::WeekEmailsRequested { week, enrolments }),
        1 => (id::<MessageId>(6), id::<EnrolmentId>(5))
            .prop_map(|(message_id, enrolment_id)| WeekEmailsEvent::EmailRetried { message_id, enrolment_id }),
    ]
    .boxed()
}

fn of_account() -> BoxedStrategy<AccountEvent> {
    let key = || (1..=3_u128).prop_map(Uuid::from_u128);
    prop_oneof![
        option::of(person())
            .prop_map(|by| AccountEvent::InvitationIssued { purpose: InvitationPurpose::Invitation, by }),
        Just(AccountEvent::PasswordSet { how: PasswordChange::Reset }),
        (key(), any::<bool>()).prop_map(|(session_id, new_device)| AccountEvent::SignedIn {
            method: SignInMethod::Password,
            session_id,
            second_factor: ShownFactor::Totp,
            new_device,
        }),
        Just(AccountEvent::SignInsFailed {}),
        Just(AccountEvent::SignInFailed { reason: SignInFailure::WrongPassword }),
        key().prop_map(|session_id| AccountEvent::SignedOut { session_id }),
        Just(AccountEvent::SignedOutEverywhere {}),
        (key(), text()).prop_map(|(key_id, name)| AccountEvent::ApiKeyCreated {
            key_id,
            name,
            scope: KeyScope::READ,
            expires_at: at(99),
            epoch: 1,
        }),
        key().prop_map(|key_id| AccountEvent::ApiKeyRevoked { key_id }),
        Just(AccountEvent::IdentityLinked { issuer: "https://id.example.org".into() }),
        Just(AccountEvent::IdentityUnlinked { issuer: "https://id.example.org".into() }),
    ]
    .boxed()
}

fn of_site() -> BoxedStrategy<SiteEvent> {
    let host = prop_oneof![Just("a.example.org"), Just("b.example.org")];
    let admits = prop_oneof![Just(HostAdmits::Everyone), Just(HostAdmits::Students), Just(HostAdmits::Staff)];
    let host = (host, admits).prop_map(|(host, admits)| SiteHost { host: host.to_owned(), admits });
    prop_oneof![
        3 => (text(), text(), option::of(text())).prop_map(|(name, owner_email, owner_name)| SiteEvent::SiteOpened {
            slug: "north".into(),
            name: name.into_inner(),
            owner_email,
            owner_name,
            owner_id: None,
        }),
        1 => vec(host, 0..3).prop_map(|hosts| SiteEvent::SiteHostsSet { hosts }),
        1 => text().prop_map(|name| SiteEvent::SiteRenamed { name: name.into_inner() }),
        1 => text().prop_map(|reason| SiteEvent::SiteClosed { reason }),
        1 => Just(SiteEvent::SiteReopened {}),
        1 => Just(SiteEvent::SiteDatabaseWanted {}),
        1 => Just(SiteEvent::SiteDatabaseGiven {}),
        1 => Just(SiteEvent::SiteActivated {}),
    ]
    .boxed()
}

fn of_site_settings() -> BoxedStrategy<SiteSettingsEvent> {
    prop_oneof![
        text().prop_map(|name| SettingValue::DisplayName { value: name.into_inner() }),
        Just(SettingValue::Timezone { value: Zone::UTC }),
        (1..99_u32).prop_map(|value| SettingValue::SessionHours { value }),
        (1..99_u32).prop_map(|value| SettingValue::InvitationHours { value }),
        any::<bool>().prop_map(|value| SettingValue::PasswordSignIn { value }),
        Just(SettingValue::SecondFactor { value: SecondFactorPolicy::OwnersAndAdmins }),
    ]
    .prop_map(|setting| SiteSettingsEvent::SiteSettingSet { setting })
    .boxed()
}

fn happened() -> impl Strategy<Value = (StreamId, Event)> {
    fn on<I: Into<StreamId>, E: Into<Event>>((id, event): (I, E)) -> (StreamId, Event) {
        (id.into(), event.into())
    }
    prop_oneof![
        1 => (person(), of_person()).prop_map(on),
        1 => (id::<ModuleId>(2), of_module()).prop_map(on),
        2 => (id::<CohortId>(3), of_cohort()).prop_map(on),
        1 => (id::<HubId>(4), of_hub()).prop_map(on),
        5 => (id::<EnrolmentId>(5), of_enrolment()).prop_map(on),
        2 => (id::<SyllabusId>(3), of_syllabus()).prop_map(on),
        1 => (id::<WeekEmailsId>(3), of_week_emails()).prop_map(on),
        1 => (id::<AccountId>(1), of_account()).prop_map(on),
        1 => (prop_oneof![1 => Just(SiteId::DEFAULT), 3 => id::<SiteId>(8)], of_site()).prop_map(on),
        1 => (id::<SiteSettingsId>(8), of_site_settings()).prop_map(on),
    ]
}

/// Histories of two sites whose ids collide.
pub fn history() -> BoxedStrategy<Vec<Recorded>> {
    vec((1..=2_u128, option::of(person()), happened()), 0..120)
        .prop_map(|happened| {
            let record = |(index, (site, actor, (stream, event))): (usize, (u128, _, _))| {
                let position = i64::try_from(index).unwrap_or(i64::MAX - 1) + 1;
                Recorded {
                    position,
                    site: SiteId(Uuid::from_u128(site)),
                    stream,
                    sequence: position,
                    command_id: CommandId(Uuid::from_u128(9)),
                    actor,
                    authority: Some(Authority::Owner),
                    recorded_at: at(position),
                    event,
                }
            };
            happened.into_iter().enumerate().map(record).collect()
        })
        .boxed()
}
