//! What the stream of a site's settings adds up to. Applying never fails and never decides.

use serde::{Deserialize, Serialize};

use super::events::{SecondFactorPolicy, SettingValue, SiteSettingsEvent};
use crate::cohort::Zone;

/// A site's settings as its events made them; what nobody has set is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SiteSettings {
    /// What people see the site called.
    pub display_name: Option<String>,
    /// The zone that clients propose for cohorts.
    pub timezone: Option<Zone>,
    /// How long somebody stays signed in, in hours.
    pub session_hours: Option<u32>,
    /// How long an invitation is good for, in hours.
    pub invitation_hours: Option<u32>,
    /// Whether people sign in with passwords.
    pub password_sign_in: Option<bool>,
    /// Who must sign in with more than one thing.
    pub second_factor: Option<SecondFactorPolicy>,
}

impl SiteSettings {
    /// Whether a setting has this value already.
    pub fn has(&self, setting: &SettingValue) -> bool {
        let mut after = self.clone();
        after.set(setting);
        after == *self
    }

    /// Whether people sign in with passwords: they do where nobody has said otherwise.
    pub fn lets_in_by_password(&self) -> bool {
        self.password_sign_in.unwrap_or(true)
    }

    /// Who must sign in with more than one thing: nobody where nobody has said otherwise.
    pub fn second_factor_policy(&self) -> SecondFactorPolicy {
        self.second_factor.unwrap_or(SecondFactorPolicy::Optional)
    }

    /// Takes a setting.
    pub fn set(&mut self, setting: &SettingValue) {
        match setting {
            SettingValue::DisplayName { value } => self.display_name = Some(value.clone()),
            SettingValue::Timezone { value } => self.timezone = Some(*value),
            SettingValue::SessionHours { value } => self.session_hours = Some(*value),
            SettingValue::InvitationHours { value } => self.invitation_hours = Some(*value),
            SettingValue::PasswordSignIn { value } => self.password_sign_in = Some(*value),
            SettingValue::SecondFactor { value } => self.second_factor = Some(*value),
        }
    }

    pub(crate) fn apply_event(&mut self, event: &SiteSettingsEvent) {
        match event {
            SiteSettingsEvent::SiteSettingSet { setting } => self.set(setting),
        }
    }
}
