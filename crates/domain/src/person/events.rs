//! What happened to a person. A contract: a changed event is a new version, an upcaster and a new fixture.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::origin::Origin;
use crate::personal::Personal;

/// A standing right in the whole site. Appointments (instructor, marker, coordinator) are facts of cohorts and hubs.
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
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// May do everything, and alone grants these roles.
    Owner,
    /// May do everything else.
    Admin,
}

/// What a person shows besides their password.
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
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SecondFactorKind {
    /// A code that an app makes anew every 30 seconds (RFC 6238).
    Totp,
    /// A passkey or a security key (WebAuthn).
    Passkey,
}

/// The events of a `person` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum PersonEvent {
    /// A person became known to the site.
    PersonRegistered {
        /// As they write it.
        name: Personal<String>,
        /// Unique in the site.
        email: Personal<String>,
        /// Their id in another system; unique in the site.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<Personal<String>>,
        /// Whether somebody entered it, or an imported file said so.
        #[serde(default, skip_serializing_if = "Origin::is_by_hand")]
        origin: Origin,
    },
    /// Another system's id for a person who had none became known.
    ExternalIdAssigned {
        /// Unique in the site.
        external_id: Personal<String>,
    },
    /// The name or the address was wrong, or has changed.
    PersonCorrected {
        /// The name from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Personal<String>>,
        /// The address from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<Personal<String>>,
        /// Whether somebody entered it, or an imported file said so.
        #[serde(default, skip_serializing_if = "Origin::is_by_hand")]
        origin: Origin,
        /// Whether it was the person concerned: another address then takes nothing away from them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        themselves: bool,
        /// The address until now, where there is another one: who has it is told, too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email_before: Option<Personal<String>>,
    },
    /// A role was given.
    RoleGranted {
        /// Which.
        role: Role,
        /// Given by the installation's configuration, or when the site was opened: of those who are in the site nobody else may take
        /// it away.
        #[serde(default)]
        bootstrapped: bool,
    },
    /// The installation's configuration names the owner no more: they are one like any other.
    OwnerReleased {},
    /// A role was taken away.
    RoleRevoked {
        /// Which.
        role: Role,
    },
    /// The person may not act any more.
    PersonDeactivated {
        /// Why.
        reason: Personal<String>,
    },
    /// The person may act again.
    PersonReactivated {},
    /// Somebody has ended every way in that the person had.
    AccessEnded {},
    /// The person signs in with one more thing from now on. What it is made of is kept beside the log.
    SecondFactorAdded {
        /// Its id.
        factor_id: Uuid,
        /// What it is.
        kind: SecondFactorKind,
    },
    /// It is good for nothing any more.
    SecondFactorRemoved {
        /// Its id.
        factor_id: Uuid,
        /// What it was.
        kind: SecondFactorKind,
        /// Whether it was the person concerned: anybody else's removal ends ways in as well.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        themselves: bool,
    },
}

/// Which of a person's ways in an event ends: those that were made before it let nobody in any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// None.
    Nothing,
    /// All but the password: sessions, keys, links, identities, devices, the calendar's address.
    AllButPassword,
    /// All of them: whoever comes in afterwards has proved anew who they are.
    Everything,
}

impl PersonEvent {
    /// Which of the person's ways in it ends.
    pub fn ends(&self) -> Ends {
        match self {
            // The address may have been somebody else's, who has been sent links to it.
            Self::PersonCorrected { email: Some(_), themselves: false, .. }
            // Somebody who had fewer rights may have made ways in for themselves.
            | Self::RoleGranted { .. }
            | Self::AccessEnded {} => Ends::Everything,
            // From then on the password alone lets in: whoever has an open session shows that they have it.
            Self::PersonDeactivated { .. } | Self::SecondFactorRemoved { themselves: false, .. } => Ends::AllButPassword,
            Self::PersonCorrected { .. }
            | Self::PersonRegistered { .. }
            | Self::ExternalIdAssigned { .. }
            | Self::OwnerReleased {}
            | Self::RoleRevoked { .. }
            | Self::SecondFactorAdded { .. }
            | Self::SecondFactorRemoved { themselves: true, .. }
            | Self::PersonReactivated {} => Ends::Nothing,
        }
    }
}
