//! The table of docs/domain.md, every command by every role, and the reading rows for every kind of reader.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::account::{
    CreateApiKey, InvitationPurpose, IssueInvitation, KeyScope, LinkIdentity, PasswordChange, RecordFailedSignIn,
    RecordFailedSignIns, RevokeApiKey, SetPassword, ShownFactor, SignIn, SignInFailure, SignInMethod, SignOut,
    SignOutEverywhere, UnlinkIdentity,
};
use crate::actor::{Actor, Authority};
use crate::cohort::CohortEvent;
use crate::command::Command;
use crate::given::{self, *};
use crate::hub::HubEvent;
use crate::ids::PersonId;
use crate::origin::Origin;
use crate::person::{
    AddSecondFactor, BootstrapOwner, ChangeEmail, PersonCommand, PersonEvent, ReleaseOwner, RemoveSecondFactor,
    RemoveSecondFactors, Role, SecondFactorKind,
};
use crate::personal::Personal;
use crate::refusal::Refusal;
use crate::text::{Email, Name, NewEmail};
use crate::week_emails::RetryEmail;

/// Who may issue what. A prime marks the appointment elsewhere: another cohort's instructor and marker, another hub's
/// coordinator, another student.
const TABLE: &str = "
    command                 owner admin instr instr' coord coord' marker marker' student student' deact nobody system
    RegisterPerson            yes   yes    –     –      –     –      –      –       –       –       –      –      –
    CorrectPerson             yes   yes    –     –      –     –      –      –       –       –       –      –      –
    ChangeEmail               yes   yes    –     –      –     –      –      –       –       –       –      –      –
    GrantRole                 yes    –     –     –      –     –      –      –       –       –       –      –      –
    RevokeRole                yes    –     –     –      –     –      –      –       –       –       –      –      –
    DeactivatePerson          yes   yes    –     –      –     –      –      –       –       –       –      –      –
    ReactivatePerson          yes   yes    –     –      –     –      –      –       –       –       –      –      –
    EndAccess                 yes   yes    –     –      –     –      –      –       –       –       –      –      –
    BootstrapOwner             –     –     –     –      –     –      –      –       –       –       –      –     yes
    ReleaseOwner               –     –     –     –      –     –      –      –       –       –       –      –     yes
    AddSecondFactor            –     –     –     –      –     –      –      –      yes      –       –      –      –
    RemoveSecondFactor         –     –     –     –      –     –      –      –      yes      –       –      –      –
    RemoveSecondFactors       yes   yes    –     –      –     –      –      –       –       –       –      –      –
    DefineModule              yes   yes    –     –      –     –      –      –       –       –       –      –      –
    RenameModule              yes   yes    –     –      –     –      –      –       –       –       –      –      –
    RetireModule              yes   yes    –     –      –     –      –      –       –       –       –      –      –
    ScheduleCohort            yes   yes    –     –      –     –      –      –       –       –       –      –      –
    RenameCohort              yes   yes    –     –      –     –      –      –       –       –       –      –      –
    RescheduleSession         yes   yes    –     –      –     –      –      –       –       –       –      –      –
    CancelSession             yes   yes    –     –      –     –      –      –       –       –       –      –      –
    SetCapacity               yes   yes    –     –      –     –      –      –       –       –       –      –      –
    StartCohort               yes   yes    –     –      –     –      –      –       –       –       –      –      –
    CompleteCohort            yes   yes    –     –      –     –      –      –       –       –       –      –      –
    CancelCohort              yes   yes    –     –      –     –      –      –       –       –       –      –      –
    ArchiveCohort             yes   yes    –     –      –     –      –      –       –       –       –      –      –
    AppointMarker             yes   yes    –     –      –     –      –      –       –       –       –      –      –
    DismissMarker             yes   yes    –     –      –     –      –      –       –       –       –      –      –
    AppointInstructor         yes   yes    –     –      –     –      –      –       –       –       –      –      –
    DismissInstructor         yes   yes    –     –      –     –      –      –       –       –       –      –      –
    AddMaterial                yes   yes   yes    –      –     –      –      –       –       –       –      –      –
    UpdateMaterial             yes   yes   yes    –      –     –      –      –       –       –       –      –      –
    MoveMaterial               yes   yes   yes    –      –     –      –      –       –       –       –      –      –
    RemoveMaterial             yes   yes   yes    –      –     –      –      –       –       –       –      –      –
    SetReflectionQuestion      yes   yes   yes    –      –     –      –      –       –       –       –      –      –
    FoundHub                  yes   yes    –     –      –     –      –      –       –       –       –      –      –
    RenameHub                 yes   yes    –     –      –     –      –      –       –       –       –      –      –
    AppointCoordinator        yes   yes    –     –      –     –      –      –       –       –       –      –      –
    DismissCoordinator        yes   yes    –     –      –     –      –      –       –       –       –      –      –
    CloseHub                  yes   yes    –     –      –     –      –      –       –       –       –      –      –
    EnrolStudent              yes   yes    –     –      –     –      –      –       –       –       –      –      –
    JoinHub                   yes   yes    –     –      –     –      –      –       –       –       –      –      –
    MarkAttendance            yes   yes   yes    –     yes    –      –      –       –       –       –      –      –
    TakeAttendance            yes   yes   yes    –     yes    –      –      –       –       –       –      –      –
    ResolveAbsenceFlag        yes   yes    –     –      –     –      –      –       –       –       –      –      –
    AdvanceStudent            yes   yes    –     –      –     –      –      –       –       –       –      –      –
    HoldStudent               yes   yes    –     –      –     –      –      –       –       –       –      –      –
    ReleaseStudent            yes   yes    –     –      –     –      –      –       –       –       –      –      –
    SetWeek                   yes   yes    –     –      –     –      –      –       –       –       –      –      –
    AdvanceCohort             yes   yes    –     –      –     –      –      –       –       –       –      –      –
    WithdrawStudent           yes   yes    –     –      –     –      –      –       –       –       –      –      –
    ReinstateStudent          yes   yes    –     –      –     –      –      –       –       –       –      –      –
    CompleteEnrolment         yes   yes    –     –      –     –      –      –       –       –       –      –      –
    MoveStudent               yes   yes    –     –      –     –      –      –       –       –       –      –      –
    SubmitReflection           –     –     –     –      –     –      –      –      yes      –       –      –      –
    SetReflectionVisibility    –     –     –     –      –     –      –      –      yes      –       –      –      –
    AssignMarker              yes   yes    –     –      –     –      –      –       –       –       –      –      –
    AllocateMarkers           yes   yes    –     –      –     –      –      –       –       –       –      –      –
    ImportRoster              yes   yes    –     –      –     –      –      –       –       –       –      –     yes
    ImportAttendance          yes   yes   yes    –     yes    –      –      –       –       –       –      –     yes
    MarkReflection            yes   yes    –     –      –     –     yes     –       –       –       –      –      –
    AmendMark                 yes   yes    –     –      –     –     yes     –       –       –       –      –      –
    SendWeekEmails            yes   yes    –     –      –     –      –      –       –       –       –      –      –
    RetryEmail                yes   yes    –     –      –     –      –      –       –       –       –      –      –
    IssueInvitation           yes   yes    –     –      –     –      –      –       –       –       –      –     yes
    SetPassword                –     –     –     –      –     –      –      –      yes      –       –      –      –
    SignIn                     –     –     –     –      –     –      –      –      yes      –       –      –      –
    RecordFailedSignIn         –     –     –     –      –     –      –      –       –       –       –      –     yes
    RecordFailedSignIns        –     –     –     –      –     –      –      –       –       –       –      –     yes
    SignOut                    yes   yes    –     –      –     –      –      –      yes      –       –      –      –
    SignOutEverywhere          –     –     –     –      –     –      –      –      yes      –       –      –      –
    CreateApiKey               –     –     –     –      –     –      –      –      yes      –       –      –      –
    RevokeApiKey               yes   yes    –     –      –     –      –      –      yes      –       –      –      –
    LinkIdentity               –     –     –     –      –     –      –      –      yes      –       –      –      –
    UnlinkIdentity            yes   yes    –     –      –     –      –      –      yes      –       –      –      –
    OpenSite                   –     –     –     –      –     –      –      –       –       –       –      –     yes
    SetSiteHosts               –     –     –     –      –     –      –      –       –       –       –      –     yes
    RenameSite                 –     –     –     –      –     –      –      –       –       –       –      –     yes
    CloseSite                  –     –     –     –      –     –      –      –       –       –       –      –     yes
    ReopenSite                 –     –     –     –      –     –      –      –       –       –       –      –     yes
    SetSiteSetting            yes   yes    –     –      –     –      –      –       –       –       –      –      –
";

/// The columns: who acts, and in what capacity if they may.
const ACTORS: [(Actor, Authority); 13] = [
    (Actor::Person(OWNER), Authority::Owner),
    (Actor::Person(ADMIN), Authority::Admin),
    (Actor::Person(INSTRUCTOR), Authority::Instructor),
    (Actor::Person(OTHER_INSTRUCTOR), Authority::Instructor),
    (Actor::Person(COORDINATOR), Authority::Coordinator),
    (Actor::Person(OTHER_COORDINATOR), Authority::Coordinator),
    (Actor::Person(MARKER), Authority::Marker),
    (Actor::Person(OTHER_MARKER), Authority::Marker),
    (Actor::Person(STUDENT), Authority::Student),
    (Actor::Person(OTHER_STUDENT), Authority::Student),
    (Actor::Person(DEACTIVATED), Authority::Admin),
    (Actor::Person(NOBODY), Authority::Admin),
    (Actor::System, Authority::System),
];

/// Splits a table into its rows: a name, and its cells.
fn rows(table: &str) -> impl Iterator<Item = (&str, Vec<bool>)> {
    table.lines().map(str::split_whitespace).skip(2).filter_map(|mut words| {
        let name = words.next()?;
        Some((name, words.map(|cell| cell == "yes").collect()))
    })
}

#[test]
fn every_command_is_for_exactly_those_whom_the_table_names() {
    let world = school();
    let table: BTreeMap<_, _> = rows(TABLE).collect();
    let commands = every_command();
    let (rows, names): (BTreeSet<_>, BTreeSet<_>) =
        (table.keys().copied().collect(), commands.iter().map(Command::name).collect());
    assert_eq!(rows, names, "a row for every command, and no other");

    for command in commands {
        let row = &table[command.name()];
        assert_eq!(row.len(), ACTORS.len(), "{}", command.name());
        for ((actor, authority), may) in ACTORS.into_iter().zip(row) {
            match authorised(&command, actor, &world) {
                Ok(capacity) => {
                    assert!(may, "{} by {actor:?} must be refused", command.name());
                    let own = matches!(
                        command,
                        Command::Account(_)
                            | Command::Person(PersonCommand::AddSecondFactor(_) | PersonCommand::RemoveSecondFactor(_))
                    );
                    let own = authority == Authority::Student && own;
                    let authority = if own { Authority::Oneself } else { authority };
                    assert_eq!(capacity, authority, "{}", command.name());
                }
                Err(Refusal::NotAllowed(_)) => assert!(!may, "{} by {actor:?} must be allowed", command.name()),
                Err(other) => panic!("{} by {actor:?}: {other:?}", command.name()),
            }
        }
    }
}

/// Every command, with the ids that the server fills in.
fn every_command() -> Vec<Command> {
    let mut ids = (0xa00..).map(uuid::Uuid::from_u128);
    let system = [bootstrap(), Command::from(ReleaseOwner { person_id: NOBODY }), change_email(), retry()];
    let mut commands: Vec<_> =
        Command::NAMES.iter().map(|name| about_the_school(name)).chain(system).chain(about_the_account()).collect();
    for command in &mut commands {
        command.fill_ids(|| ids.next().unwrap());
        command.fill_site(SITE);
    }
    commands
}

/// Where the build has assertions, a fact that was not asked for panics; elsewhere it is a refusal with a name.
#[test]
fn every_command_is_decided_on_nothing_but_what_it_asks_for() {
    let mut world = school();
    let settled = crate::site::SiteEvent::SiteDatabaseWanted {};
    append(&mut world, SITE, [settled]);
    for command in every_command() {
        for actor in ACTORS.map(|(actor, _)| actor).into_iter().chain([Actor::SuperAdmin(NOBODY)]) {
            let decided = planned(&command, actor, "2025-08-20T06:00:00Z", &world);
            assert!(!matches!(decided, Err(Refusal::Unasked(_))), "{} by {actor:?}: {decided:?}", command.name());
        }
    }
}

/// A body for each command, about the cohort, the hub and the student of the school.
fn about_the_school(name: &str) -> Command {
    let (person_id, cohort_id, hub_id) = (STUDENT, COHORT, HUB);
    let body = match name {
        "RegisterPerson" => json!({ "name": "Zoë", "email": "zoe@example.org" }),
        "CorrectPerson" => json!({ "person_id": person_id, "name": "Zoë" }),
        "GrantRole" | "RevokeRole" => json!({ "person_id": person_id, "role": "admin" }),
        "DeactivatePerson" => json!({ "person_id": person_id, "reason": "has left" }),
        "ReactivatePerson" | "EndAccess" => json!({ "person_id": person_id }),
        "DefineModule" => json!({ "code": "Ü-1", "title": "Übung" }),
        "RenameModule" => json!({ "module_id": MODULE, "title": "Übung" }),
        "RetireModule" => json!({ "module_id": MODULE }),
        "ScheduleCohort" => json!({
            "module_id": MODULE, "name": "Herbst", "starts_on": "2025-08-19", "session_start": "19:00",
            "timezone": "Australia/Sydney",
        }),
        "RenameCohort" => json!({ "cohort_id": cohort_id, "name": "Winter" }),
        "RescheduleSession" => {
            json!({ "cohort_id": cohort_id, "week": 2, "starts_at": "2025-08-27T09:00:00Z", "reason": "storm" })
        }
        "CancelSession" => json!({ "cohort_id": cohort_id, "week": 2, "reason": "storm" }),
        "SetCapacity" => json!({ "cohort_id": cohort_id, "capacity": 60 }),
        "StartCohort" | "CompleteCohort" | "ArchiveCohort" | "AllocateMarkers" => json!({ "cohort_id": cohort_id }),
        "CancelCohort" => json!({ "cohort_id": cohort_id, "reason": "too few" }),
        "ImportRoster" => {
            json!({ "cohort_id": cohort_id, "rows": [{ "name": "Zoë", "email": "zoe@example.org" }] })
        }
        "ImportAttendance" => json!({
            "cohort_id": cohort_id,
            "marks": [{ "external_id": "LW-9", "week": 1, "status": "present" }],
        }),
        "AppointMarker" | "DismissMarker" | "AppointInstructor" | "DismissInstructor" | "EnrolStudent" => {
            json!({ "cohort_id": cohort_id, "person_id": person_id })
        }
        "FoundHub" => json!({ "name": "Gemeindehaus" }),
        "RenameHub" => json!({ "hub_id": hub_id, "name": "Gemeindehaus" }),
        "AppointCoordinator" => json!({ "hub_id": hub_id, "person_id": person_id }),
        "DismissCoordinator" | "CloseHub" => json!({ "hub_id": hub_id }),
        "AddMaterial" => json!({
            "cohort_id": cohort_id, "week": 1, "kind": "page", "title": "Lies mich", "content": "Ça va.",
        }),
        "UpdateMaterial" => json!({ "cohort_id": cohort_id, "material_id": MATERIAL, "title": "Lies mich" }),
        "MoveMaterial" => json!({ "cohort_id": cohort_id, "material_id": MATERIAL, "week": 2, "position": 1 }),
        "RemoveMaterial" => json!({ "cohort_id": cohort_id, "material_id": MATERIAL }),
        "SetReflectionQuestion" => json!({ "cohort_id": cohort_id, "week": 1, "text": "Und du?" }),
        "TakeAttendance" => json!({
            "cohort_id": cohort_id, "week": 1, "marks": [{ "enrolment_id": ENROLMENT, "status": "present" }],
        }),
        "AdvanceCohort" => json!({ "cohort_id": cohort_id, "to_week": 2 }),
        "SendWeekEmails" => json!({ "cohort_id": cohort_id, "week": 1 }),
        "MoveStudent" => json!({ "enrolment_id": ENROLMENT, "to_cohort_id": OTHER_COHORT, "reason": "moves away" }),
        "OpenSite" => json!({ "slug": "north", "name": "Nordschule", "owner_email": "asa@example.org" }),
        "SetSiteHosts" => json!({ "site_id": SITE, "hosts": [{ "host": "nord.example.org" }] }),
        "RenameSite" => json!({ "site_id": SITE, "name": "Schule im Norden" }),
        "CloseSite" => json!({ "site_id": SITE, "reason": "has moved" }),
        "ReopenSite" => json!({ "site_id": SITE }),
        "SetSiteSetting" => json!({ "setting": { "name": "session_hours", "value": 12 } }),
        _ => return given::command(name, about_the_student(name)),
    };
    given::command(name, body)
}

fn about_the_student(name: &str) -> Value {
    let enrolment_id = ENROLMENT;
    match name {
        "JoinHub" | "ReinstateStudent" | "CompleteEnrolment" | "ReleaseStudent" => {
            json!({ "enrolment_id": enrolment_id })
        }
        "MarkAttendance" => json!({ "enrolment_id": enrolment_id, "week": 1, "status": "late" }),
        "ResolveAbsenceFlag" | "HoldStudent" | "WithdrawStudent" => {
            json!({ "enrolment_id": enrolment_id, "reason": "we talked" })
        }
        "AdvanceStudent" => json!({ "enrolment_id": enrolment_id, "to_week": 2 }),
        "SetWeek" => json!({ "enrolment_id": enrolment_id, "week": 3, "reason": "we talked" }),
        "SubmitReflection" => {
            json!({ "enrolment_id": enrolment_id, "week": 1, "text": "Ça va.", "visibility": "cohort" })
        }
        "SetReflectionVisibility" => json!({ "enrolment_id": enrolment_id, "week": 1, "visibility": "private" }),
        "AssignMarker" => json!({ "enrolment_id": enrolment_id, "marker_id": MARKER }),
        "MarkReflection" => json!({ "enrolment_id": enrolment_id, "week": 1, "outcome": "pass", "feedback": "Schön." }),
        "AmendMark" => json!({
            "enrolment_id": enrolment_id, "week": 1, "outcome": "fail", "feedback": "Zu kurz.", "reason": "reread",
        }),
        other => panic!("no body for {other}; a new command needs one here and a row in the table"),
    }
}

fn bootstrap() -> Command {
    Command::from(BootstrapOwner {
        person_id: NOBODY,
        name: Personal::new(Name::try_new("Åsa").unwrap()),
        email: Personal::new(Email::try_new("asa@example.org").unwrap()),
    })
}

fn change_email() -> Command {
    let email = Personal::new(NewEmail::try_new("asa@example.org").unwrap());
    Command::from(ChangeEmail { person_id: STUDENT, email })
}

fn retry() -> Command {
    let message_id = crate::MessageId(uuid::Uuid::from_u128(1));
    Command::from(RetryEmail { cohort_id: COHORT, message_id, enrolment_id: ENROLMENT })
}

/// Every command about the student's account, none of which a client sends.
fn about_the_account() -> Vec<Command> {
    let (person_id, id) = (STUDENT, uuid::Uuid::from_u128(1));
    let (method, how) = (SignInMethod::Password, PasswordChange::Change);
    let name = Personal::new(Name::try_new("Kalender").unwrap());
    let expires_at = given::instant("2025-09-01T00:00:00Z");
    vec![
        IssueInvitation { person_id, purpose: InvitationPurpose::Invitation }.into(),
        SetPassword { person_id, how, first: false }.into(),
        SignIn { person_id, method, session_id: id, second_factor: ShownFactor::Nothing, new_device: false }.into(),
        RecordFailedSignIn { person_id, reason: SignInFailure::WrongPassword }.into(),
        RecordFailedSignIns { person_id }.into(),
        SignOut { person_id, session_id: id }.into(),
        SignOutEverywhere { person_id }.into(),
        CreateApiKey { person_id, key_id: id, name, scope: KeyScope::READ, expires_at }.into(),
        RevokeApiKey { person_id, key_id: id }.into(),
        LinkIdentity { person_id, issuer: "https://id.example.org".into() }.into(),
        UnlinkIdentity { person_id, issuer: "https://id.example.org".into() }.into(),
        AddSecondFactor { person_id, factor_id: id, kind: SecondFactorKind::Totp }.into(),
        RemoveSecondFactor { person_id, factor_id: id }.into(),
        RemoveSecondFactors { person_id }.into(),
    ]
}

#[test]
fn a_super_admin_may_do_what_an_owner_may_and_alone_of_all_people_manages_sites() {
    let world = school();
    for (name, row) in rows(TABLE) {
        let Some(command) = Command::NAMES.contains(&name).then(|| about_the_school(name)) else { continue };
        let capacity = authorised(&command, Actor::SuperAdmin(NOBODY), &world).ok();
        let may = row[0] || command.is_of_the_registry();
        assert_eq!(capacity, may.then_some(Authority::SuperAdmin), "{name}");
    }
}

#[test]
fn what_people_come_in_by_is_settled_by_owners() {
    let world = school();
    for (name, value, admin) in [
        ("password_sign_in", json!(false), false),
        ("password_sign_in", json!(true), false),
        ("second_factor", json!("optional"), false),
        ("session_hours", json!(12), true),
        ("display_name", json!("Te Kura"), true),
    ] {
        let command = given::command("SetSiteSetting", json!({ "setting": { "name": name, "value": value } }));
        let may = |actor| authorised(&command, actor, &world).is_ok();
        assert!(may(Actor::Person(OWNER)) && may(Actor::SuperAdmin(NOBODY)), "{name}");
        assert_eq!(may(Actor::Person(ADMIN)), admin, "{name}");
        assert!(!may(Actor::Person(INSTRUCTOR)) && !may(Actor::System), "{name}");
    }
}

#[test]
fn no_body_can_say_who_acts_or_in_what_capacity() {
    for name in Command::NAMES {
        for forged in ["actor", "by", "authority"] {
            let mut body = serde_json::to_value(about_the_school(name)).unwrap();
            body[forged] = json!(OWNER);
            assert!(Command::decode(name, body).unwrap().is_err(), "{name} takes {forged}");
        }
    }
}

#[test]
fn no_client_can_name_the_systems_own_command() {
    assert!(Command::decode("BootstrapOwner", json!({})).is_none());
}

fn may(name: &str, person: PersonId, world: &crate::world::World) -> Option<Authority> {
    authorised(&about_the_school(name), Actor::Person(person), world).ok()
}

#[test]
fn a_coordinator_loses_the_students_who_leave_the_hub() {
    let mut world = school();
    let (hub_id, previous) = (OTHER_HUB, Some(HUB));
    append(
        &mut world,
        ENROLMENT,
        [crate::enrolment::EnrolmentEvent::Membership(crate::enrolment::MembershipEvent::HubJoined {
            hub_id,
            previous,
            origin: Origin::Hand,
        })],
    );
    assert_eq!(may("MarkAttendance", COORDINATOR, &world), None);
    assert_eq!(may("MarkAttendance", OTHER_COORDINATOR, &world), Some(Authority::Coordinator));
}

#[test]
fn an_appointment_taken_away_ends_at_the_next_request() {
    let mut world = school();
    append(&mut world, HUB, [HubEvent::CoordinatorAppointed { person_id: OTHER_COORDINATOR }]);
    append(&mut world, COHORT, [CohortEvent::InstructorDismissed { person_id: INSTRUCTOR }]);
    append(&mut world, COHORT, [CohortEvent::MarkerDismissed { person_id: MARKER }]);
    append(&mut world, ADMIN, [PersonEvent::RoleRevoked { role: Role::Admin }]);
    assert_eq!(may("TakeAttendance", COORDINATOR, &world), None);
    assert_eq!(may("TakeAttendance", INSTRUCTOR, &world), None);
    assert_eq!(may("MarkReflection", MARKER, &world), None);
    assert_eq!(may("RegisterPerson", ADMIN, &world), None);
}

#[test]
fn deactivation_ends_every_appointment_and_the_students_own_rights() {
    let mut world = school();
    for person in [INSTRUCTOR, COORDINATOR, MARKER, STUDENT, OWNER] {
        append(&mut world, person, [PersonEvent::PersonDeactivated { reason: "has left".into() }]);
    }
    assert_eq!(may("MarkAttendance", INSTRUCTOR, &world), None);
    assert_eq!(may("MarkAttendance", COORDINATOR, &world), None);
    assert_eq!(may("MarkReflection", MARKER, &world), None);
    assert_eq!(may("SubmitReflection", STUDENT, &world), None);
    assert_eq!(may("GrantRole", OWNER, &world), None);
}

#[test]
fn a_coordinator_takes_a_register_only_of_students_who_are_all_in_their_hub() {
    let world = school();
    let marks = [ENROLMENT, OTHER_ENROLMENT].map(|id| json!({ "enrolment_id": id, "status": "present" }));
    let register = given::command("TakeAttendance", json!({ "cohort_id": COHORT, "week": 1, "marks": marks }));
    assert!(authorised(&register, Actor::Person(COORDINATOR), &world).is_err());
    assert_eq!(authorised(&register, Actor::Person(INSTRUCTOR), &world), Ok(Authority::Instructor));
}

#[test]
fn whoever_has_several_rights_acts_in_the_highest_that_is_entitled() {
    let mut world = school();
    append(&mut world, HUB, [HubEvent::CoordinatorAppointed { person_id: STUDENT }]);
    assert_eq!(may("MarkAttendance", STUDENT, &world), Some(Authority::Coordinator));
    append(&mut world, COHORT, [CohortEvent::InstructorAppointed { person_id: STUDENT, lead: false }]);
    assert_eq!(may("MarkAttendance", STUDENT, &world), Some(Authority::Instructor));
    append(&mut world, STUDENT, [PersonEvent::RoleGranted { role: Role::Admin, bootstrapped: false }]);
    assert_eq!(may("MarkAttendance", STUDENT, &world), Some(Authority::Admin));
    assert_eq!(may("SubmitReflection", STUDENT, &world), Some(Authority::Student));
}

#[test]
fn a_refusal_is_the_same_whether_or_not_the_thing_exists() {
    let known = authorised(&about_the_school("HoldStudent"), Actor::Person(NOBODY), &school());
    let unknown = authorised(&about_the_school("HoldStudent"), Actor::Person(NOBODY), &crate::world::World::default());
    assert_eq!(known, unknown);
}
