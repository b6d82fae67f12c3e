//! What can be asked about a site's settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events::{SecondFactorPolicy, SettingValue};
use crate::cohort::Zone;
use crate::ids::SiteId;
use crate::number::Bounded;
use crate::text::Name;

/// A setting and what it is set to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum Setting {
    /// What people see the site called.
    DisplayName {
        /// From now on.
        value: Name,
    },
    /// The zone that clients propose for cohorts.
    Timezone {
        /// From now on.
        value: Zone,
    },
    /// How long somebody stays signed in, in hours.
    SessionHours {
        /// From now on.
        value: Bounded<1, 8_760>,
    },
    /// How long an invitation is good for, in hours.
    InvitationHours {
        /// From now on.
        value: Bounded<1, 2_160>,
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

impl From<&Setting> for SettingValue {
    fn from(setting: &Setting) -> Self {
        match setting {
            Setting::DisplayName { value } => Self::DisplayName { value: value.as_str().to_owned() },
            Setting::Timezone { value } => Self::Timezone { value: *value },
            Setting::SessionHours { value } => Self::SessionHours { value: value.get() },
            Setting::InvitationHours { value } => Self::InvitationHours { value: value.get() },
            Setting::PasswordSignIn { value } => Self::PasswordSignIn { value: *value },
            Setting::SecondFactor { value } => Self::SecondFactor { value: *value },
        }
    }
}

/// Sets one setting of the site that the request is for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSiteSetting {
    /// Which, and to what.
    pub setting: Setting,
    /// The site, which no body names; see [`crate::Command::fill_site`].
    #[serde(skip)]
    pub site: Option<SiteId>,
}

/// The commands about a site's settings.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum SiteSettingsCommand {
    /// See [`SetSiteSetting`].
    SetSiteSetting(SetSiteSetting),
}
