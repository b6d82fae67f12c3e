//! Typed ids, so that no function takes a person where it wants a cohort; it never makes one (the edge does).

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )*};
}

ids! {
    /// A tenant: a school. Everything belongs to one.
    SiteId,
    /// The settings of a site: the same id as the site's.
    SiteSettingsId,
    /// One command as it was sent: the `Idempotency-Key`.
    CommandId,
    /// A human being, whatever their roles.
    PersonId,
    /// A course that is run several times.
    ModuleId,
    /// One run of a module.
    CohortId,
    /// A home or hall where students meet.
    HubId,
    /// One student in one cohort.
    EnrolmentId,
    /// What a cohort's students see: the same id as the cohort's.
    SyllabusId,
    /// Something that a syllabus shows.
    MaterialId,
    /// A file as it was uploaded.
    UploadId,
    /// The emails of a cohort: the same id as the cohort's.
    WeekEmailsId,
    /// One email to one student.
    MessageId,
    /// A person's account: the same id as the person's.
    AccountId,
}

impl SiteId {
    /// The site of an installation that has only one. The `events` table's default is the same value.
    pub const DEFAULT: Self = Self(Uuid::from_u128(1));
}

macro_rules! stream_types {
    ($(
        $(#[$doc:meta])*
        $module:ident: $state:ident, $id:ident, $event:ident, $command:ident, $facts:ident, $rule:ident;
    )*) => {
        /// The kinds of stream, as the `aggregate_type` column spells them.
        #[derive(
            Clone,
            Copy,
            Debug,
            PartialEq,
            Eq,
            PartialOrd,
            Ord,
            Hash,
            Serialize,
            Deserialize,
            JsonSchema,
            strum::IntoStaticStr,
            strum::EnumString,
            strum::Display,
            strum::VariantArray,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum StreamType {
            $($(#[$doc])* $state,)*
        }

        $(
            impl From<$id> for StreamId {
                fn from(id: $id) -> Self {
                    Self { kind: StreamType::$state, id: id.0 }
                }
            }
        )*
    };
}

aggregates!(stream_types);

impl StreamType {
    /// The name in the `aggregate_type` column.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One stream of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Which aggregate's.
    pub kind: StreamType,
    /// The aggregate's id.
    pub id: Uuid,
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

impl From<SiteId> for SiteSettingsId {
    fn from(site: SiteId) -> Self {
        Self(site.0)
    }
}

impl From<CohortId> for SyllabusId {
    fn from(cohort: CohortId) -> Self {
        Self(cohort.0)
    }
}

impl From<CohortId> for WeekEmailsId {
    fn from(cohort: CohortId) -> Self {
        Self(cohort.0)
    }
}

impl From<AccountId> for PersonId {
    fn from(account: AccountId) -> Self {
        Self(account.0)
    }
}

impl From<SyllabusId> for CohortId {
    fn from(syllabus: SyllabusId) -> Self {
        Self(syllabus.0)
    }
}

impl From<PersonId> for AccountId {
    fn from(person: PersonId) -> Self {
        Self(person.0)
    }
}

macro_rules! into_uuid {
    ($($id:ident),* $(,)?) => {$(
        impl From<$id> for Uuid {
            fn from(id: $id) -> Self {
                id.0
            }
        }
    )*};
}

into_uuid!(SiteId, CommandId, PersonId, ModuleId, CohortId, HubId, EnrolmentId);
into_uuid!(SyllabusId, MaterialId, UploadId, WeekEmailsId, MessageId, SiteSettingsId, AccountId);
