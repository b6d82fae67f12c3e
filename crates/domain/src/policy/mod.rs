//! Who may: the table of the domain page as one pure policy.
//!
//! A command needs a right; an actor has a standing towards what the command concerns; the table says which standing
//! gives which right, and in what capacity. For reading, [`Reader`] holds the same table.
//! It never looks anything up: roles come from the log, appointments from the streams that hold them.

mod reading;
#[cfg(test)]
mod tests;

use crate::account::AccountCommand;
use crate::actor::{Actor, Authority};
use crate::cohort::CohortCommand;
use crate::command::Command;
use crate::enrolment::EnrolmentCommand;
use crate::hub::HubCommand;
use crate::ids::{CohortId, EnrolmentId, PersonId};
use crate::module::ModuleCommand;
use crate::person::{PersonCommand, Role};
use crate::plan::{ManyCommand, students_of_marks};
use crate::refusal::Refusal;
use crate::site::SiteCommand;
use crate::site_settings::{Setting, SiteSettingsCommand};
use crate::syllabus::SyllabusCommand;
use crate::week_emails::WeekEmailsCommand;
use crate::world::World;

pub use reading::{OwnEnrolment, Reader, RosterScope, Weeks};

/// What a command takes to issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// Set the installation up.
    Bootstrap,
    /// Open, close and rename sites, and say where they answer.
    ManageSites,
    /// Give and take the roles of owner and admin.
    GrantRoles,
    /// Settle by what people come in.
    SettleWaysIn,
    /// People, modules, cohorts, hubs, enrolments, progression, allocation, emails.
    Administer,
    /// Say what a cohort's students see.
    EditSyllabus,
    /// Say who was there.
    TakeAttendance,
    /// Bring in a cohort's students from a file.
    ImportRoster,
    /// Bring in who was there from a file.
    ImportAttendance,
    /// Write reflections and choose who may read them.
    WriteReflections,
    /// Pass or fail reflections.
    MarkReflections,
    /// Let people in by a link.
    Invite,
    /// Sign in and out, set a password, make and end keys, add and remove one's second factors.
    OwnAccount,
    /// End a session, a key or another system's word: one's own, or, as an admin, somebody's.
    EndWaysIn,
    /// Record who was not let in.
    RecordSignIns,
}

/// How an actor stands towards what a command concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "one column of the table each")]
pub struct Standing {
    /// Is the installation itself.
    pub system: bool,
    /// Is a super admin of the installation.
    pub super_admin: bool,
    /// Has the role.
    pub owner: bool,
    /// Has the role.
    pub admin: bool,
    /// Is appointed to the cohort.
    pub instructor: bool,
    /// Looks after the hub that the student (every student concerned) is in now.
    pub coordinator: bool,
    /// Is appointed to the cohort.
    pub marker: bool,
    /// Is the student.
    pub student: bool,
    /// Is the person whose account it is.
    pub oneself: bool,
}

/// The right that a command needs. A new command is a compile error here.
pub fn right(command: &Command) -> Right {
    match command {
        Command::Person(command) => match command {
            PersonCommand::BootstrapOwner(_) | PersonCommand::ReleaseOwner(_) => Right::Bootstrap,
            PersonCommand::GrantRole(_) | PersonCommand::RevokeRole(_) => Right::GrantRoles,
            PersonCommand::RegisterPerson(_)
            | PersonCommand::CorrectPerson(_)
            | PersonCommand::ChangeEmail(_)
            | PersonCommand::DeactivatePerson(_)
            | PersonCommand::ReactivatePerson(_)
            | PersonCommand::EndAccess(_)
            | PersonCommand::RemoveSecondFactors(_) => Right::Administer,
            PersonCommand::AddSecondFactor(_) | PersonCommand::RemoveSecondFactor(_) => Right::OwnAccount,
        },
        Command::Module(
            ModuleCommand::DefineModule(_) | ModuleCommand::RenameModule(_) | ModuleCommand::RetireModule(_),
        )
        | Command::Cohort(
            CohortCommand::ScheduleCohort(_)
            | CohortCommand::RenameCohort(_)
            | CohortCommand::RescheduleSession(_)
            | CohortCommand::CancelSession(_)
            | CohortCommand::SetCapacity(_)
            | CohortCommand::StartCohort(_)
            | CohortCommand::CompleteCohort(_)
            | CohortCommand::CancelCohort(_)
            | CohortCommand::ArchiveCohort(_)
            | CohortCommand::AppointMarker(_)
            | CohortCommand::DismissMarker(_)
            | CohortCommand::AppointInstructor(_)
            | CohortCommand::DismissInstructor(_),
        )
        | Command::Hub(
            HubCommand::FoundHub(_)
            | HubCommand::RenameHub(_)
            | HubCommand::AppointCoordinator(_)
            | HubCommand::DismissCoordinator(_)
            | HubCommand::CloseHub(_),
        )
        | Command::Many(
            ManyCommand::AdvanceCohort(_) | ManyCommand::AllocateMarkers(_) | ManyCommand::MoveStudent(_),
        )
        | Command::WeekEmails(WeekEmailsCommand::SendWeekEmails(_) | WeekEmailsCommand::RetryEmail(_)) => {
            Right::Administer
        }
        Command::SiteSettings(SiteSettingsCommand::SetSiteSetting(command)) => settling(&command.setting),
        Command::Site(SiteCommand::ActivateSite(_)) => Right::Bootstrap,
        Command::Site(
            SiteCommand::OpenSite(_)
            | SiteCommand::SetSiteHosts(_)
            | SiteCommand::RenameSite(_)
            | SiteCommand::CloseSite(_)
            | SiteCommand::ReopenSite(_)
            | SiteCommand::GiveSiteDatabase(_),
        ) => Right::ManageSites,
        Command::Many(ManyCommand::TakeAttendance(_)) => Right::TakeAttendance,
        Command::Account(command) => match command {
            AccountCommand::IssueInvitation(_) => Right::Invite,
            AccountCommand::RecordFailedSignIn(_) | AccountCommand::RecordFailedSignIns(_) => Right::RecordSignIns,
            AccountCommand::SetPassword(_)
            | AccountCommand::SignIn(_)
            | AccountCommand::SignOutEverywhere(_)
            | AccountCommand::CreateApiKey(_)
            | AccountCommand::LinkIdentity(_) => Right::OwnAccount,
            AccountCommand::SignOut(_) | AccountCommand::RevokeApiKey(_) | AccountCommand::UnlinkIdentity(_) => {
                Right::EndWaysIn
            }
        },
        Command::Syllabus(
            SyllabusCommand::AddMaterial(_)
            | SyllabusCommand::UpdateMaterial(_)
            | SyllabusCommand::MoveMaterial(_)
            | SyllabusCommand::RemoveMaterial(_)
            | SyllabusCommand::SetReflectionQuestion(_),
        ) => Right::EditSyllabus,
        Command::Many(ManyCommand::ImportRoster(_)) => Right::ImportRoster,
        Command::Many(ManyCommand::ImportAttendance(_)) => Right::ImportAttendance,
        Command::Enrolment(command) => match command {
            EnrolmentCommand::MarkAttendance(_) => Right::TakeAttendance,
            EnrolmentCommand::SubmitReflection(_) | EnrolmentCommand::SetReflectionVisibility(_) => {
                Right::WriteReflections
            }
            EnrolmentCommand::MarkReflection(_) | EnrolmentCommand::AmendMark(_) => Right::MarkReflections,
            EnrolmentCommand::EnrolStudent(_)
            | EnrolmentCommand::JoinHub(_)
            | EnrolmentCommand::ResolveAbsenceFlag(_)
            | EnrolmentCommand::AdvanceStudent(_)
            | EnrolmentCommand::HoldStudent(_)
            | EnrolmentCommand::ReleaseStudent(_)
            | EnrolmentCommand::SetWeek(_)
            | EnrolmentCommand::WithdrawStudent(_)
            | EnrolmentCommand::ReinstateStudent(_)
            | EnrolmentCommand::CompleteEnrolment(_)
            | EnrolmentCommand::AssignMarker(_) => Right::Administer,
        },
    }
}

/// The right that a setting needs: whoever settles some lets owners in, or keeps them out.
fn settling(setting: &Setting) -> Right {
    match setting {
        Setting::PasswordSignIn { .. } | Setting::SecondFactor { .. } => Right::SettleWaysIn,
        Setting::DisplayName { .. }
        | Setting::Timezone { .. }
        | Setting::SessionHours { .. }
        | Setting::InvitationHours { .. } => Right::Administer,
    }
}

/// The table itself: in what capacity a standing gives a right, if at all.
pub fn capacity(right: Right, standing: Standing) -> Option<Authority> {
    let columns = [
        // Whatever roles somebody has: at their own account they are themselves.
        (standing.oneself, Authority::Oneself),
        (standing.system, Authority::System),
        (standing.super_admin, Authority::SuperAdmin),
        (standing.owner, Authority::Owner),
        (standing.admin, Authority::Admin),
        (standing.instructor, Authority::Instructor),
        (standing.coordinator, Authority::Coordinator),
        (standing.marker, Authority::Marker),
        (standing.student, Authority::Student),
    ];
    // Wherever an owner is entitled, a super admin is.
    let counts_as = |authority| if authority == Authority::SuperAdmin { Authority::Owner } else { authority };
    let entitled: &[Authority] = match right {
        Right::Bootstrap | Right::RecordSignIns => &[Authority::System],
        // Whoever holds the database may also open sites from its command line.
        Right::ManageSites => &[Authority::System, Authority::SuperAdmin],
        Right::GrantRoles | Right::SettleWaysIn => &[Authority::Owner],
        Right::Administer => &[Authority::Owner, Authority::Admin],
        Right::EditSyllabus => &[Authority::Owner, Authority::Admin, Authority::Instructor],
        Right::TakeAttendance => &[Authority::Owner, Authority::Admin, Authority::Instructor, Authority::Coordinator],
        // Whoever holds the database may import from its command line, and let the first owner in: the installation itself. It
        // also answers those who forgot their password.
        Right::ImportRoster | Right::Invite => &[Authority::System, Authority::Owner, Authority::Admin],
        Right::ImportAttendance => {
            &[Authority::System, Authority::Owner, Authority::Admin, Authority::Instructor, Authority::Coordinator]
        }
        Right::OwnAccount => &[Authority::Oneself],
        Right::EndWaysIn => &[Authority::Owner, Authority::Admin, Authority::Oneself],
        Right::WriteReflections => &[Authority::Student],
        Right::MarkReflections => &[Authority::Owner, Authority::Admin, Authority::Marker],
    };
    let is_entitled = |authority: Authority| entitled.contains(&authority) || entitled.contains(&counts_as(authority));
    columns.into_iter().find(|(has, authority)| *has && is_entitled(*authority)).map(|(_, authority)| authority)
}

/// Who may take attendance, in words.
pub const WHO_TAKES_ATTENDANCE: &str = "attendance is taken by an admin, an instructor of the cohort, or the coordinator of the hub that the student is in now";

/// Whether the actor may issue the command, and in what capacity. Refused alike whether or not the thing exists.
pub fn authorise(command: &Command, actor: Actor, world: &World) -> Result<Authority, Refusal> {
    let right = right(command);
    capacity(right, standing(command, actor, world)).ok_or(Refusal::NotAllowed(match right {
        Right::Bootstrap | Right::RecordSignIns => "only the installation itself may do this",
        Right::OwnAccount => "an account is its person's own",
        Right::ManageSites => "only super admins of the installation manage its sites",
        Right::GrantRoles => "only an owner gives and takes roles",
        Right::SettleWaysIn => "only an owner settles by what people come in",
        Right::EndWaysIn => "only the person, an owner or an admin may do this",
        Right::Administer | Right::ImportRoster | Right::Invite => "only an owner or an admin may do this",
        Right::EditSyllabus => "the syllabus is edited by an admin or an instructor of the cohort",
        Right::TakeAttendance | Right::ImportAttendance => WHO_TAKES_ATTENDANCE,
        Right::WriteReflections => "only the student writes their reflections",
        Right::MarkReflections => "reflections are marked by an admin or a marker appointed to the cohort",
    }))
}

fn standing(command: &Command, actor: Actor, world: &World) -> Standing {
    let person = match actor {
        Actor::System => return Standing { system: true, ..Standing::default() },
        Actor::SuperAdmin(_) => return Standing { super_admin: true, ..Standing::default() },
        Actor::Person(person) => person,
    };
    let state = world.person(person).state;
    if !state.active {
        return Standing::default();
    }
    let mut standing = Standing { owner: state.is(Role::Owner), admin: state.is(Role::Admin), ..Standing::default() };
    match command {
        Command::Enrolment(command) => {
            if let Some(enrolment) = enrolment_of(command) {
                standing.towards(person, &[enrolment], None, world);
            }
        }
        Command::Many(ManyCommand::TakeAttendance(command)) => {
            let enrolments: Vec<_> = command.marks.iter().map(|mark| mark.enrolment_id).collect();
            standing.towards(person, &enrolments, Some(command.cohort_id), world);
        }
        Command::Account(command) => standing.oneself = command.person() == person,
        Command::Person(PersonCommand::AddSecondFactor(command)) => standing.oneself = command.person_id == person,
        Command::Person(PersonCommand::RemoveSecondFactor(command)) => standing.oneself = command.person_id == person,
        Command::Syllabus(command) => standing.towards(person, &[], Some(command.cohort()), world),
        Command::Many(ManyCommand::ImportAttendance(command)) => {
            standing.towards(person, &[], Some(command.cohort_id), world);
            // Whoever is not in their hub is a wrong row of the file, like somebody who is not there at all.
            let mut students = students_of_marks(command, world);
            standing.coordinator = students.any(|id| looks_after(person, id, world));
        }
        _ => {}
    }
    standing
}

impl Standing {
    /// Fills in the standing towards enrolments, all of them, and their cohort.
    fn towards(&mut self, person: PersonId, enrolments: &[EnrolmentId], cohort: Option<CohortId>, world: &World) {
        let states: Vec<_> = enrolments.iter().map(|id| world.enrolment(*id).state).collect();
        self.coordinator = !states.is_empty()
            && states.iter().all(|e| e.hub_id.is_some_and(|hub| world.hub(hub).state.coordinator == Some(person)));
        self.student = !states.is_empty() && states.iter().all(|e| e.person_id == Some(person));
        if let Some(cohort) = cohort.or_else(|| states.first().and_then(|e| e.cohort_id)) {
            let cohort = world.cohort(cohort).state;
            self.instructor = cohort.instructors.contains_key(&person);
            self.marker = cohort.markers.contains(&person);
        }
    }
}

/// Whether a person is the coordinator of the hub that a student is in now.
pub(crate) fn looks_after(person: PersonId, enrolment: EnrolmentId, world: &World) -> bool {
    let hub = world.enrolment(enrolment).state.hub_id;
    hub.is_some_and(|hub| world.hub(hub).state.coordinator == Some(person))
}

/// The enrolment that a command is about; none where it makes one.
fn enrolment_of(command: &EnrolmentCommand) -> Option<EnrolmentId> {
    match command {
        EnrolmentCommand::EnrolStudent(_) => None,
        EnrolmentCommand::JoinHub(c) => Some(c.enrolment_id),
        EnrolmentCommand::MarkAttendance(c) => Some(c.enrolment_id),
        EnrolmentCommand::ResolveAbsenceFlag(c) => Some(c.enrolment_id),
        EnrolmentCommand::AdvanceStudent(c) => Some(c.enrolment_id),
        EnrolmentCommand::HoldStudent(c) => Some(c.enrolment_id),
        EnrolmentCommand::ReleaseStudent(c) => Some(c.enrolment_id),
        EnrolmentCommand::SetWeek(c) => Some(c.enrolment_id),
        EnrolmentCommand::WithdrawStudent(c) => Some(c.enrolment_id),
        EnrolmentCommand::ReinstateStudent(c) => Some(c.enrolment_id),
        EnrolmentCommand::CompleteEnrolment(c) => Some(c.enrolment_id),
        EnrolmentCommand::SubmitReflection(c) => Some(c.enrolment_id),
        EnrolmentCommand::SetReflectionVisibility(c) => Some(c.enrolment_id),
        EnrolmentCommand::AssignMarker(c) => Some(c.enrolment_id),
        EnrolmentCommand::MarkReflection(c) => Some(c.enrolment_id),
        EnrolmentCommand::AmendMark(c) => Some(c.enrolment_id),
    }
}
