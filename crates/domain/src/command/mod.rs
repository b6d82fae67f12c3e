//! Everything that can be asked, under the names of the HTTP contract. What a command means is beside its struct, in the
//! folder of its aggregate ([`spec`]).

pub mod spec;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

pub use self::spec::{CommandSpec, StreamCommand};
pub(crate) use self::spec::{about, begins};
use crate::actor::DecisionContext;
use crate::aggregate::{Decision, Stream};
use crate::file::StoredFile;
use crate::ids::{SiteId, StreamId, UploadId};
use crate::policy::Right;
use crate::site_settings::Setting;

macro_rules! commands {
    ($(
        $(#[$doc:meta])*
        $module:ident: $aggregate:ident($enum:ident) {
            $(clients: $($name:ident),+;)?
            $(system: $($system:ident),+;)?
            $(batch: $($batch:ident),+;)?
        }
    )+) => {
        /// Any command.
        #[derive(Clone, Debug, Serialize)]
        #[serde(untagged)]
        pub enum Command {
            $($(#[$doc])* $aggregate($enum),)+
            /// Over many streams.
            Batch(BatchCommand),
        }

        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Serialize)]
            #[serde(untagged)]
            #[expect(missing_docs, reason = "each is the command of that name")]
            pub enum $enum {
                $($($name(crate::$module::$name),)+)?
                $($($system(crate::$module::$system),)+)?
            }

            impl $enum {
                /// What it causes, given the state of the aggregate, or the rule that refuses it.
                pub fn decide(
                    &self,
                    before: &crate::$module::$aggregate,
                    context: &DecisionContext,
                    facts: &<crate::$module::$aggregate as Stream>::Facts,
                ) -> Decision<crate::$module::$aggregate> {
                    match self {
                        $($(Self::$name(command) => command.decide(before, context, facts),)+)?
                        $($(Self::$system(command) => command.decide(before, context, facts),)+)?
                    }
                }
            }

            $($(
                impl From<crate::$module::$name> for Command {
                    fn from(command: crate::$module::$name) -> Self {
                        Self::$aggregate($enum::$name(command))
                    }
                }
            )+)?
            $($(
                impl From<crate::$module::$system> for Command {
                    fn from(command: crate::$module::$system) -> Self {
                        Self::$aggregate($enum::$system(command))
                    }
                }
            )+)?
            $($(
                impl From<crate::$module::$batch> for Command {
                    fn from(command: crate::$module::$batch) -> Self {
                        Self::Batch(BatchCommand::$batch(command))
                    }
                }
            )+)?
        )+

        /// Commands over many streams, in one append.
        #[derive(Clone, Debug, Serialize)]
        #[serde(untagged)]
        #[expect(missing_docs, reason = "each is the command of that name")]
        pub enum BatchCommand {
            $($($($batch(crate::$module::$batch),)+)?)+
        }

        impl Command {
            /// The commands that clients may send, in the order of the documentation.
            pub const NAMES: &'static [&'static str] = &[
                $($($(stringify!($name),)+)? $($(stringify!($batch),)+)?)+
            ];

            /// The command's name.
            pub fn name(&self) -> &'static str {
                match self {
                    $($($(Self::$aggregate($enum::$name(_)) => stringify!($name),)+)?)+
                    $($($(Self::$aggregate($enum::$system(_)) => stringify!($system),)+)?)+
                    $($($(Self::Batch(BatchCommand::$batch(_)) => stringify!($batch),)+)?)+
                }
            }

            /// Reads a command from its body; none if no command that clients may send has that name.
            pub fn decode<'de, D: Deserializer<'de>>(name: &str, body: D) -> Option<Result<Self, D::Error>> {
                match name {
                    $($($(
                        stringify!($name) => Some(crate::$module::$name::deserialize(body).map(Self::from)),
                    )+)?)+
                    $($($(
                        stringify!($batch) => Some(crate::$module::$batch::deserialize(body).map(Self::from)),
                    )+)?)+
                    _ => None,
                }
            }

            /// The JSON schema of a command's body.
            pub fn schema(name: &str, generator: &mut SchemaGenerator) -> Option<Schema> {
                match name {
                    $($($(stringify!($name) => Some(crate::$module::$name::json_schema(generator)),)+)?)+
                    $($($(stringify!($batch) => Some(crate::$module::$batch::json_schema(generator)),)+)?)+
                    _ => None,
                }
            }

            /// What the command means.
            pub fn spec(&self) -> &dyn CommandSpec {
                match self {
                    $($($(Self::$aggregate($enum::$name(command)) => command,)+)?)+
                    $($($(Self::$aggregate($enum::$system(command)) => command,)+)?)+
                    $($($(Self::Batch(BatchCommand::$batch(command)) => command,)+)?)+
                }
            }

            fn spec_mut(&mut self) -> &mut dyn CommandSpec {
                match self {
                    $($($(Self::$aggregate($enum::$name(command)) => command,)+)?)+
                    $($($(Self::$aggregate($enum::$system(command)) => command,)+)?)+
                    $($($(Self::Batch(BatchCommand::$batch(command)) => command,)+)?)+
                }
            }
        }
    };
}

commands! {
    /// About a person.
    person: Person(PersonCommand) {
        clients: RegisterPerson, CorrectPerson, GrantRole, RevokeRole, DeactivatePerson, ReactivatePerson, EndAccess;
        system: BootstrapOwner, ReleaseOwner, ChangeEmail, AddSecondFactor, RemoveSecondFactor, RemoveSecondFactors;
    }
    /// About a module.
    module: Module(ModuleCommand) {
        clients: DefineModule, RenameModule, RetireModule;
    }
    /// About a cohort.
    cohort: Cohort(CohortCommand) {
        clients: ScheduleCohort, RenameCohort, RescheduleSession, CancelSession, SetCapacity, StartCohort,
            CompleteCohort, CancelCohort, ArchiveCohort, AppointMarker, DismissMarker, AppointInstructor,
            DismissInstructor;
        batch: TakeAttendance, AdvanceCohort, AllocateMarkers, ImportRoster, ImportAttendance;
    }
    /// About a cohort's syllabus.
    syllabus: Syllabus(SyllabusCommand) {
        clients: AddMaterial, UpdateMaterial, MoveMaterial, RemoveMaterial, SetReflectionQuestion;
    }
    /// About a hub.
    hub: Hub(HubCommand) {
        clients: FoundHub, RenameHub, AppointCoordinator, DismissCoordinator, CloseHub;
    }
    /// About one enrolment.
    enrolment: Enrolment(EnrolmentCommand) {
        clients: EnrolStudent, JoinHub, MarkAttendance, ResolveAbsenceFlag, AdvanceStudent, HoldStudent, ReleaseStudent,
            SetWeek, WithdrawStudent, ReinstateStudent, CompleteEnrolment, SubmitReflection, SetReflectionVisibility,
            AssignMarker, MarkReflection, AmendMark;
        batch: MoveStudent;
    }
    /// About a cohort's emails.
    week_emails: WeekEmails(WeekEmailsCommand) {
        clients: SendWeekEmails;
        system: RetryEmail;
    }
    /// About an account. No client sends any of these as a command: whether a password is right or a link is still good is
    /// looked up before, and what is secret in it stays there.
    account: Account(AccountCommand) {
        system: IssueInvitation, SetPassword, SignIn, RecordFailedSignIn, RecordFailedSignIns, SignOut,
            SignOutEverywhere, CreateApiKey, RevokeApiKey, LinkIdentity, UnlinkIdentity;
    }
    /// About a site.
    site: Site(SiteCommand) {
        clients: OpenSite, SetSiteHosts, RenameSite, CloseSite, ReopenSite;
        system: GiveSiteDatabase, ActivateSite;
    }
    /// About a site's settings.
    site_settings: SiteSettings(SiteSettingsCommand) {
        clients: SetSiteSetting;
    }
}

impl Command {
    /// The right that it takes.
    pub fn right(&self) -> Right {
        self.spec().right()
    }

    /// The stream that it is about: what `If-Match` speaks of. None where the server has yet to make its id.
    pub fn stream(&self) -> Option<StreamId> {
        self.spec().stream()
    }

    /// Fills in the ids that a creating command leaves to the server.
    pub fn fill_ids(&mut self, mut new_id: impl FnMut() -> Uuid) {
        self.spec_mut().fill_ids(&mut new_id);
    }

    /// Fills in the site that the command is sent to, where that is what it is about.
    pub fn fill_site(&mut self, site: SiteId) {
        self.spec_mut().fill_site(site);
    }

    /// The upload that the command needs, if it may need one: for the edge to look up, and to [`Self::attach`].
    pub fn upload(&self) -> Option<UploadId> {
        self.spec().upload()
    }

    /// Fills in the upload that the command needs. Without it, the command is refused where it needs one.
    pub fn attach(&mut self, file: StoredFile) {
        self.spec_mut().attach(file);
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
}
