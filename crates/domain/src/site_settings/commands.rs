//! The command about a site's settings, and what it causes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events::{SecondFactorPolicy, SettingValue};
use super::{SiteSettings, SiteSettingsEvent, SiteSettingsFacts};
use crate::actor::DecisionContext;
use crate::aggregate::Decision;
use crate::cohort::Zone;
use crate::command::StreamCommand;
use crate::ids::{SiteId, SiteSettingsId};
use crate::number::Bounded;
use crate::policy::Right;
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

impl StreamCommand for SetSiteSetting {
    type Aggregate = SiteSettings;
    const RIGHT: Right = Right::Administer;

    fn id(&self) -> Option<SiteSettingsId> {
        self.site.map(Into::into)
    }

    fn fill_site(&mut self, site: SiteId) {
        self.site = Some(site);
    }

    /// Whoever settles some lets owners in, or keeps them out.
    fn right(&self) -> Right {
        match self.setting {
            Setting::PasswordSignIn { .. } | Setting::SecondFactor { .. } => Right::SettleWaysIn,
            Setting::DisplayName { .. }
            | Setting::Timezone { .. }
            | Setting::SessionHours { .. }
            | Setting::InvitationHours { .. } => Self::RIGHT,
        }
    }

    fn decide(&self, settings: &SiteSettings, _: &DecisionContext, (): &SiteSettingsFacts) -> Decision<SiteSettings> {
        let setting = SettingValue::from(&self.setting);
        Ok(if settings.has(&setting) { Vec::new() } else { vec![SiteSettingsEvent::SiteSettingSet { setting }] })
    }
}
