//! What was settled about a site. A contract: a changed event is a new version, an upcaster and a new fixture.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cohort::Zone;

/// Who must sign in with more than one thing.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SecondFactorPolicy {
    /// Whoever has set it up for themselves.
    #[default]
    Optional,
    /// These, and whoever has set it up for themselves.
    OwnersAndAdmins,
}

/// A setting and what it is set to, without the limits of the day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum SettingValue {
    /// What people see the site called.
    DisplayName {
        /// From now on.
        value: String,
    },
    /// The zone that clients propose for cohorts.
    Timezone {
        /// From now on.
        value: Zone,
    },
    /// How long somebody stays signed in, in hours.
    SessionHours {
        /// From now on.
        value: u32,
    },
    /// How long an invitation is good for, in hours.
    InvitationHours {
        /// From now on.
        value: u32,
    },
    /// Whether people sign in with passwords.
    PasswordSignIn {
        /// From now on.
        value: bool,
    },
    /// Who must sign in with more than one thing.
    SecondFactor {
        /// From now on.
        value: SecondFactorPolicy,
    },
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DisplayName { value } => write!(f, "display_name is {value}"),
            Self::Timezone { value } => write!(f, "timezone is {}", value.tz().name()),
            Self::SessionHours { value } => write!(f, "session_hours is {value}"),
            Self::InvitationHours { value } => write!(f, "invitation_hours is {value}"),
            Self::PasswordSignIn { value } => write!(f, "password_sign_in is {value}"),
            Self::SecondFactor { value } => write!(f, "second_factor is {value}"),
        }
    }
}

/// The events of a `site_settings` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum SiteSettingsEvent {
    /// A setting has a value from now on.
    SiteSettingSet {
        /// Which, and what.
        setting: SettingValue,
    },
}
