//! What a site's owners and admins have settled about it. What nobody has set is as this says.

use rollbook_domain::cohort::Zone;
use rollbook_domain::site_settings::{self, SecondFactorPolicy, SettingValue, SiteSettingsEvent};
use rollbook_domain::{Event, SiteId, SiteSettingsId, StreamType};
use rollbook_store::Recorded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::{fetch_one, items};
use crate::{QueryError, ReadModel, SiteRows};

/// The read model.
#[derive(Debug)]
pub struct SiteSettings;

/// A site's settings; what nobody has set is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// The site's.
    pub id: SiteSettingsId,
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
    /// The stream's version.
    pub version: i64,
}

impl ReadModel for SiteSettings {
    const NAME: &'static str = "site_settings";
    const VERSION: i32 = 2;
    const TABLE: &'static str = "site_settings";
    const KEY: &'static [&'static str] = &["id"];
    const COLUMNS: &'static [&'static str] = &[
        "display_name",
        "timezone",
        "session_hours",
        "invitation_hours",
        "password_sign_in",
        "second_factor",
        "version",
    ];
    const STREAMS: &'static [StreamType] = &[StreamType::SiteSettings];

    type Key = SiteSettingsId;
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<SiteSettingsId> {
        let Event::SiteSettings(_) = &event.event else { return Vec::new() };
        vec![SiteSettingsId(event.stream.id)]
    }

    fn key(row: &Row) -> SiteSettingsId {
        row.id
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        let Event::SiteSettings(SiteSettingsEvent::SiteSettingSet { setting }) = &event.event else { return };
        let id = SiteSettingsId(event.stream.id);
        let mut row = rows.get(&id).cloned().unwrap_or(Row {
            id,
            display_name: None,
            timezone: None,
            session_hours: None,
            invitation_hours: None,
            password_sign_in: None,
            second_factor: None,
            version: 0,
        });
        row.version = event.sequence;
        match setting {
            SettingValue::DisplayName { value } => row.display_name = Some(value.clone()),
            SettingValue::Timezone { value } => row.timezone = Some(*value),
            SettingValue::SessionHours { value } => row.session_hours = Some(*value),
            SettingValue::InvitationHours { value } => row.invitation_hours = Some(*value),
            SettingValue::PasswordSignIn { value } => row.password_sign_in = Some(*value),
            SettingValue::SecondFactor { value } => row.second_factor = Some(*value),
        }
        rows.put(row);
    }
}

/// A site's settings as they hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// What people see the site called; null is its name.
    pub display_name: Option<String>,
    /// The zone that clients propose for cohorts; null is none.
    #[schemars(with = "Option<String>")]
    pub timezone: Option<Zone>,
    /// How long somebody stays signed in, in hours.
    pub session_hours: u32,
    /// How long an invitation is good for, in hours.
    pub invitation_hours: u32,
    /// Whether people sign in with passwords.
    pub password_sign_in: bool,
    /// Who must sign in with more than one thing.
    pub second_factor: SecondFactorPolicy,
    /// What `If-Match` takes.
    pub version: i64,
}

impl Default for Settings {
    fn default() -> Self {
        let nothing = site_settings::SiteSettings::default();
        Self {
            display_name: None,
            timezone: None,
            session_hours: 14 * 24,
            invitation_hours: 7 * 24,
            password_sign_in: nothing.lets_in_by_password(),
            second_factor: nothing.second_factor_policy(),
            version: 0,
        }
    }
}

/// A site's settings as they hold.
pub async fn settings(pool: &PgPool, site: SiteId) -> Result<Settings, QueryError> {
    let sql = "select row_to_json(s) from site_settings s where site_id = $1 and id = $1";
    let row: Option<Row> = fetch_one(items(sql).bind(site.0), pool).await?;
    let standard = Settings::default();
    Ok(match row {
        None => standard,
        Some(row) => Settings {
            display_name: row.display_name,
            timezone: row.timezone,
            session_hours: row.session_hours.unwrap_or(standard.session_hours),
            invitation_hours: row.invitation_hours.unwrap_or(standard.invitation_hours),
            password_sign_in: row.password_sign_in.unwrap_or(standard.password_sign_in),
            second_factor: row.second_factor.unwrap_or(standard.second_factor),
            version: row.version,
        },
    })
}
