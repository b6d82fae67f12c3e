//! Who may: the table of docs/domain.md as one pure policy.
//!
//! A command needs a right; an actor has a standing towards what the command concerns; the table says which standing
//! gives which right, and in what capacity. For reading, [`Reader`] holds the same table.
//! It never looks anything up: roles come from the log, appointments from the streams that hold them.

mod reading;
#[cfg(test)]
mod tests;

use crate::actor::{Actor, Authority};
use crate::command::Command;
use crate::enrolment::Enrolment;
use crate::ids::{CohortId, EnrolmentId, PersonId};
use crate::person::Role;
use crate::plan::Subject;
use crate::refusal::Refusal;
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

impl Right {
    /// Who has the right. Wherever an owner is entitled, a super admin is.
    pub fn entitled(self) -> &'static [Authority] {
        match self {
            Self::Bootstrap | Self::RecordSignIns => &[Authority::System],
            // Whoever holds the database may also open sites from its command line.
            Self::ManageSites => &[Authority::System, Authority::SuperAdmin],
            Self::GrantRoles | Self::SettleWaysIn => &[Authority::Owner],
            Self::Administer => &[Authority::Owner, Authority::Admin],
            Self::EditSyllabus => &[Authority::Owner, Authority::Admin, Authority::Instructor],
            Self::TakeAttendance => {
                &[Authority::Owner, Authority::Admin, Authority::Instructor, Authority::Coordinator]
            }
            // Whoever holds the database may import from its command line, and let the first owner in: the installation itself. It
            // also answers those who forgot their password.
            Self::ImportRoster | Self::Invite => &[Authority::System, Authority::Owner, Authority::Admin],
            Self::ImportAttendance => {
                &[Authority::System, Authority::Owner, Authority::Admin, Authority::Instructor, Authority::Coordinator]
            }
            Self::OwnAccount => &[Authority::Oneself],
            Self::EndWaysIn => &[Authority::Owner, Authority::Admin, Authority::Oneself],
            Self::WriteReflections => &[Authority::Student],
            Self::MarkReflections => &[Authority::Owner, Authority::Admin, Authority::Marker],
        }
    }
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
    let entitled = right.entitled();
    let is_entitled = |authority: Authority| entitled.contains(&authority) || entitled.contains(&counts_as(authority));
    columns.into_iter().find(|(has, authority)| *has && is_entitled(*authority)).map(|(_, authority)| authority)
}

/// Who may take attendance, in words.
pub const WHO_TAKES_ATTENDANCE: &str = "attendance is taken by an admin, an instructor of the cohort, or the coordinator of the hub that the student is in now";

/// Whether the actor may issue the command, and in what capacity. Refused alike whether or not the thing exists.
pub fn authorise(command: &Command, actor: Actor, world: &World) -> Result<Authority, Refusal> {
    let right = command.right();
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
    match command.spec().subject(world) {
        Subject::Site => {}
        Subject::Account(owner) => standing.oneself = owner == person,
        Subject::Cohort(cohort) => standing.towards_cohort(person, cohort, world),
        Subject::Students(enrolments, cohort) => {
            let states: Vec<_> = enrolments.iter().map(|id| world.enrolment(*id).state).collect();
            standing.coordinator = !states.is_empty() && states.iter().all(|e| is_in_hub_of(person, e, world));
            standing.student = !states.is_empty() && states.iter().all(|e| e.person_id == Some(person));
            if let Some(cohort) = cohort.or_else(|| states.first().and_then(|e| e.cohort_id)) {
                standing.towards_cohort(person, cohort, world);
            }
        }
        Subject::AnyOf(cohort, enrolments) => {
            standing.towards_cohort(person, cohort, world);
            standing.coordinator = enrolments.iter().any(|id| is_coordinator_of(person, *id, world));
        }
    }
    standing
}

impl Standing {
    /// Fills in the appointments to a cohort.
    fn towards_cohort(&mut self, person: PersonId, cohort: CohortId, world: &World) {
        let cohort = world.cohort(cohort).state;
        self.instructor = cohort.instructors.contains_key(&person);
        self.marker = cohort.markers.contains(&person);
    }
}

/// Whether a person is the coordinator of the hub that a student is in now.
pub(crate) fn is_coordinator_of(person: PersonId, enrolment: EnrolmentId, world: &World) -> bool {
    is_in_hub_of(person, &world.enrolment(enrolment).state, world)
}

fn is_in_hub_of(coordinator: PersonId, student: &Enrolment, world: &World) -> bool {
    student.hub_id.is_some_and(|hub| world.hub(hub).state.coordinator == Some(coordinator))
}
