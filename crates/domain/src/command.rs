//! Everything that can be asked, under the names of the HTTP contract.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::account::{self, AccountCommand};
use crate::cohort::{self, CohortCommand};
use crate::enrolment::{self, EnrolmentCommand};
use crate::file::StoredFile;
use crate::hub::{self, HubCommand};
use crate::ids::{AccountId, EnrolmentId, SiteId, SiteSettingsId, StreamId, SyllabusId, UploadId, WeekEmailsId};
use crate::module::{self, ModuleCommand};
use crate::person::{self, PersonCommand};
use crate::plan::{self, ManyCommand};
use crate::site::{self, SiteCommand};
use crate::site_settings::{self, Setting, SiteSettingsCommand};
use crate::syllabus::{self, SyllabusCommand};
use crate::week_emails::{self, WeekEmailsCommand};

/// Any command.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Command {
    /// About a person.
    Person(PersonCommand),
    /// About a module.
    Module(ModuleCommand),
    /// About a cohort.
    Cohort(CohortCommand),
    /// About a hub.
    Hub(HubCommand),
    /// About one enrolment.
    Enrolment(EnrolmentCommand),
    /// About many enrolments.
    Many(ManyCommand),
    /// About a cohort's syllabus.
    Syllabus(SyllabusCommand),
    /// About a cohort's emails.
    WeekEmails(WeekEmailsCommand),
    /// About an account.
    Account(AccountCommand),
    /// About a site.
    Site(SiteCommand),
    /// About a site's settings.
    SiteSettings(SiteSettingsCommand),
}

macro_rules! commands {
    (
        clients { $($place:ident :: $name:ident => $kind:ident ( $inner:ident )),* $(,)? }
        system { $($system_place:ident :: $system:ident => $system_kind:ident ( $system_inner:ident )),* $(,)? }
    ) => {
        impl Command {
            /// The commands that clients may send, in the order of the documentation.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The command's name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$kind($inner::$name(_)) => stringify!($name),)*
                    $(Self::$system_kind($system_inner::$system(_)) => stringify!($system),)*
                }
            }

            /// Reads a command from its body; none if no command that clients may send has that name.
            pub fn decode<'de, D: Deserializer<'de>>(name: &str, body: D) -> Option<Result<Self, D::Error>> {
                match name {
                    $(stringify!($name) => Some($place::$name::deserialize(body).map(Self::from)),)*
                    _ => None,
                }
            }

            /// The JSON schema of a command's body.
            pub fn schema(name: &str, generator: &mut SchemaGenerator) -> Option<Schema> {
                match name {
                    $(stringify!($name) => Some($place::$name::json_schema(generator)),)*
                    _ => None,
                }
            }
        }

        $(
            impl From<$place::$name> for Command {
                fn from(command: $place::$name) -> Self {
                    Self::$kind($inner::$name(command))
                }
            }
        )*
        $(
            impl From<$system_place::$system> for Command {
                fn from(command: $system_place::$system) -> Self {
                    Self::$system_kind($system_inner::$system(command))
                }
            }
        )*
    };
}

commands! {
    clients {
        person::RegisterPerson => Person(PersonCommand),
        person::CorrectPerson => Person(PersonCommand),
        person::GrantRole => Person(PersonCommand),
        person::RevokeRole => Person(PersonCommand),
        person::DeactivatePerson => Person(PersonCommand),
        person::ReactivatePerson => Person(PersonCommand),
        person::EndAccess => Person(PersonCommand),
        module::DefineModule => Module(ModuleCommand),
        module::RenameModule => Module(ModuleCommand),
        module::RetireModule => Module(ModuleCommand),
        cohort::ScheduleCohort => Cohort(CohortCommand),
        cohort::RenameCohort => Cohort(CohortCommand),
        cohort::RescheduleSession => Cohort(CohortCommand),
        cohort::CancelSession => Cohort(CohortCommand),
        cohort::SetCapacity => Cohort(CohortCommand),
        cohort::StartCohort => Cohort(CohortCommand),
        cohort::CompleteCohort => Cohort(CohortCommand),
        cohort::CancelCohort => Cohort(CohortCommand),
        cohort::ArchiveCohort => Cohort(CohortCommand),
        cohort::AppointMarker => Cohort(CohortCommand),
        cohort::DismissMarker => Cohort(CohortCommand),
        cohort::AppointInstructor => Cohort(CohortCommand),
        cohort::DismissInstructor => Cohort(CohortCommand),
        syllabus::AddMaterial => Syllabus(SyllabusCommand),
        syllabus::UpdateMaterial => Syllabus(SyllabusCommand),
        syllabus::MoveMaterial => Syllabus(SyllabusCommand),
        syllabus::RemoveMaterial => Syllabus(SyllabusCommand),
        syllabus::SetReflectionQuestion => Syllabus(SyllabusCommand),
        hub::FoundHub => Hub(HubCommand),
        hub::RenameHub => Hub(HubCommand),
        hub::AppointCoordinator => Hub(HubCommand),
        hub::DismissCoordinator => Hub(HubCommand),
        hub::CloseHub => Hub(HubCommand),
        enrolment::EnrolStudent => Enrolment(EnrolmentCommand),
        enrolment::JoinHub => Enrolment(EnrolmentCommand),
        enrolment::MarkAttendance => Enrolment(EnrolmentCommand),
        plan::TakeAttendance => Many(ManyCommand),
        enrolment::ResolveAbsenceFlag => Enrolment(EnrolmentCommand),
        enrolment::AdvanceStudent => Enrolment(EnrolmentCommand),
        enrolment::HoldStudent => Enrolment(EnrolmentCommand),
        enrolment::ReleaseStudent => Enrolment(EnrolmentCommand),
        enrolment::SetWeek => Enrolment(EnrolmentCommand),
        plan::AdvanceCohort => Many(ManyCommand),
        enrolment::WithdrawStudent => Enrolment(EnrolmentCommand),
        enrolment::ReinstateStudent => Enrolment(EnrolmentCommand),
        enrolment::CompleteEnrolment => Enrolment(EnrolmentCommand),
        plan::MoveStudent => Many(ManyCommand),
        enrolment::SubmitReflection => Enrolment(EnrolmentCommand),
        enrolment::SetReflectionVisibility => Enrolment(EnrolmentCommand),
        enrolment::AssignMarker => Enrolment(EnrolmentCommand),
        plan::AllocateMarkers => Many(ManyCommand),
        plan::ImportRoster => Many(ManyCommand),
        plan::ImportAttendance => Many(ManyCommand),
        enrolment::MarkReflection => Enrolment(EnrolmentCommand),
        enrolment::AmendMark => Enrolment(EnrolmentCommand),
        week_emails::SendWeekEmails => WeekEmails(WeekEmailsCommand),
        site::OpenSite => Site(SiteCommand),
        site::SetSiteHosts => Site(SiteCommand),
        site::RenameSite => Site(SiteCommand),
        site::CloseSite => Site(SiteCommand),
        site::ReopenSite => Site(SiteCommand),
        site_settings::SetSiteSetting => SiteSettings(SiteSettingsCommand),
    }
    system {
        person::BootstrapOwner => Person(PersonCommand),
        person::ReleaseOwner => Person(PersonCommand),
        person::ChangeEmail => Person(PersonCommand),
        person::AddSecondFactor => Person(PersonCommand),
        person::RemoveSecondFactor => Person(PersonCommand),
        person::RemoveSecondFactors => Person(PersonCommand),
        site::GiveSiteDatabase => Site(SiteCommand),
        site::ActivateSite => Site(SiteCommand),
        week_emails::RetryEmail => WeekEmails(WeekEmailsCommand),
        account::IssueInvitation => Account(AccountCommand),
        account::SetPassword => Account(AccountCommand),
        account::SignIn => Account(AccountCommand),
        account::RecordFailedSignIn => Account(AccountCommand),
        account::RecordFailedSignIns => Account(AccountCommand),
        account::SignOut => Account(AccountCommand),
        account::SignOutEverywhere => Account(AccountCommand),
        account::CreateApiKey => Account(AccountCommand),
        account::RevokeApiKey => Account(AccountCommand),
        account::LinkIdentity => Account(AccountCommand),
        account::UnlinkIdentity => Account(AccountCommand),
    }
}

impl Command {
    /// Fills in the ids that a creating command leaves to the server.
    pub fn fill_ids(&mut self, mut new_id: impl FnMut() -> Uuid) {
        match self {
            Self::Person(PersonCommand::RegisterPerson(c)) => {
                c.person_id.get_or_insert_with(|| new_id().into());
            }
            Self::Module(ModuleCommand::DefineModule(c)) => {
                c.module_id.get_or_insert_with(|| new_id().into());
            }
            Self::Cohort(CohortCommand::ScheduleCohort(c)) => {
                c.cohort_id.get_or_insert_with(|| new_id().into());
            }
            Self::Hub(HubCommand::FoundHub(c)) => {
                c.hub_id.get_or_insert_with(|| new_id().into());
            }
            Self::Enrolment(EnrolmentCommand::EnrolStudent(c)) => {
                c.enrolment_id.get_or_insert_with(|| new_id().into());
            }
            Self::Many(ManyCommand::MoveStudent(c)) => {
                c.new_enrolment_id.get_or_insert_with(|| new_id().into());
            }
            Self::Syllabus(SyllabusCommand::AddMaterial(c)) => {
                c.material_id.get_or_insert_with(|| new_id().into());
            }
            Self::Site(SiteCommand::OpenSite(c)) => {
                c.site_id.get_or_insert_with(|| new_id().into());
                c.owner_id.get_or_insert_with(|| new_id().into());
            }
            Self::Many(ManyCommand::ImportRoster(c)) => {
                for row in &mut c.rows {
                    row.new_ids = Some((new_id().into(), new_id().into()));
                }
            }
            _ => {}
        }
    }

    /// Fills in the site that the command is sent to, where that is what it is about.
    pub fn fill_site(&mut self, site: SiteId) {
        if let Self::SiteSettings(SiteSettingsCommand::SetSiteSetting(c)) = self {
            c.site = Some(site);
        }
    }

    /// Whether it is about the sites of the installation, and so belongs in the registry: the default site.
    pub fn is_of_the_registry(&self) -> bool {
        matches!(self, Self::Site(_))
    }

    /// Whether it has nobody sign in with a password any more.
    pub fn turns_passwords_off(&self) -> bool {
        let Self::SiteSettings(SiteSettingsCommand::SetSiteSetting(c)) = self else { return false };
        matches!(c.setting, Setting::PasswordSignIn { value: false })
    }

    /// The upload that the command needs, if it may need one: for the edge to look up, and to [`Self::attach`].
    pub fn upload(&self) -> Option<UploadId> {
        match self {
            Self::Syllabus(command) => command.upload(),
            _ => None,
        }
    }

    /// Fills in the upload that the command needs. Without it, the command is refused where it needs one.
    pub fn attach(&mut self, file: StoredFile) {
        if let Self::Syllabus(command) = self {
            command.attach(file);
        }
    }
}

impl Command {
    /// The stream that the command is about: what `If-Match` speaks of. None where the server has yet to make its id.
    pub fn stream(&self) -> Option<StreamId> {
        Some(match self {
            Self::Person(command) => match command {
                PersonCommand::RegisterPerson(c) => c.person_id?.into(),
                PersonCommand::CorrectPerson(c) => c.person_id.into(),
                PersonCommand::GrantRole(c) => c.person_id.into(),
                PersonCommand::RevokeRole(c) => c.person_id.into(),
                PersonCommand::DeactivatePerson(c) => c.person_id.into(),
                PersonCommand::ReactivatePerson(c) => c.person_id.into(),
                PersonCommand::EndAccess(c) => c.person_id.into(),
                PersonCommand::BootstrapOwner(c) => c.person_id.into(),
                PersonCommand::ReleaseOwner(c) => c.person_id.into(),
                PersonCommand::ChangeEmail(c) => c.person_id.into(),
                PersonCommand::AddSecondFactor(c) => c.person_id.into(),
                PersonCommand::RemoveSecondFactor(c) => c.person_id.into(),
                PersonCommand::RemoveSecondFactors(c) => c.person_id.into(),
            },
            Self::Module(command) => match command {
                ModuleCommand::DefineModule(c) => c.module_id?.into(),
                ModuleCommand::RenameModule(c) => c.module_id.into(),
                ModuleCommand::RetireModule(c) => c.module_id.into(),
            },
            Self::Cohort(command) => match command {
                CohortCommand::ScheduleCohort(c) => c.cohort_id?.into(),
                CohortCommand::RenameCohort(c) => c.cohort_id.into(),
                CohortCommand::RescheduleSession(c) => c.cohort_id.into(),
                CohortCommand::CancelSession(c) => c.cohort_id.into(),
                CohortCommand::SetCapacity(c) => c.cohort_id.into(),
                CohortCommand::StartCohort(c) => c.cohort_id.into(),
                CohortCommand::CompleteCohort(c) => c.cohort_id.into(),
                CohortCommand::CancelCohort(c) => c.cohort_id.into(),
                CohortCommand::ArchiveCohort(c) => c.cohort_id.into(),
                CohortCommand::AppointMarker(c) => c.cohort_id.into(),
                CohortCommand::DismissMarker(c) => c.cohort_id.into(),
                CohortCommand::AppointInstructor(c) => c.cohort_id.into(),
                CohortCommand::DismissInstructor(c) => c.cohort_id.into(),
            },
            Self::Hub(command) => match command {
                HubCommand::FoundHub(c) => c.hub_id?.into(),
                HubCommand::RenameHub(c) => c.hub_id.into(),
                HubCommand::AppointCoordinator(c) => c.hub_id.into(),
                HubCommand::DismissCoordinator(c) => c.hub_id.into(),
                HubCommand::CloseHub(c) => c.hub_id.into(),
            },
            Self::Enrolment(command) => command.enrolment()?.into(),
            Self::Many(command) => match command {
                ManyCommand::TakeAttendance(c) => c.cohort_id.into(),
                ManyCommand::AdvanceCohort(c) => c.cohort_id.into(),
                ManyCommand::AllocateMarkers(c) => c.cohort_id.into(),
                ManyCommand::MoveStudent(c) => c.enrolment_id.into(),
                ManyCommand::ImportRoster(c) => c.cohort_id.into(),
                ManyCommand::ImportAttendance(c) => c.cohort_id.into(),
            },
            Self::Syllabus(command) => SyllabusId::from(command.cohort()).into(),
            Self::WeekEmails(command) => match command {
                WeekEmailsCommand::SendWeekEmails(c) => WeekEmailsId::from(c.cohort_id).into(),
                WeekEmailsCommand::RetryEmail(c) => WeekEmailsId::from(c.cohort_id).into(),
            },
            Self::Account(command) => AccountId::from(command.person()).into(),
            Self::Site(command) => command.site()?.into(),
            Self::SiteSettings(SiteSettingsCommand::SetSiteSetting(c)) => SiteSettingsId::from(c.site?).into(),
        })
    }
}

impl EnrolmentCommand {
    /// The enrolment that the command is about; none where the server has yet to make its id.
    pub fn enrolment(&self) -> Option<EnrolmentId> {
        Some(match self {
            Self::EnrolStudent(c) => c.enrolment_id?,
            Self::JoinHub(c) => c.enrolment_id,
            Self::MarkAttendance(c) => c.enrolment_id,
            Self::ResolveAbsenceFlag(c) => c.enrolment_id,
            Self::AdvanceStudent(c) => c.enrolment_id,
            Self::HoldStudent(c) => c.enrolment_id,
            Self::ReleaseStudent(c) => c.enrolment_id,
            Self::SetWeek(c) => c.enrolment_id,
            Self::WithdrawStudent(c) => c.enrolment_id,
            Self::ReinstateStudent(c) => c.enrolment_id,
            Self::CompleteEnrolment(c) => c.enrolment_id,
            Self::SubmitReflection(c) => c.enrolment_id,
            Self::SetReflectionVisibility(c) => c.enrolment_id,
            Self::AssignMarker(c) => c.enrolment_id,
            Self::MarkReflection(c) => c.enrolment_id,
            Self::AmendMark(c) => c.enrolment_id,
        })
    }
}
