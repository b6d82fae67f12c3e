//! What happened to a site. A contract: a changed event is a new version, an upcaster and a new fixture.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::PersonId;
use crate::personal::Personal;

/// Whom a host lets in, besides what everybody may read.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
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
pub enum HostAdmits {
    /// Whoever may sign in to the site.
    #[default]
    Everyone,
    /// Whoever is a student of it, in whichever cohort.
    Students,
    /// Whoever has a role or an appointment in it.
    Staff,
}

/// Where what belongs to a site is, and whether it is there yet.
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
pub enum SiteDatabase {
    /// In the database of the installation.
    #[default]
    Shared,
    /// In one of its own, which nobody has given to it yet.
    Wanted,
    /// In one of its own, which is being set up.
    Given,
    /// In one of its own.
    Active,
}

/// A host of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SiteHost {
    /// In lower case, without a port.
    pub host: String,
    /// Whom it lets in.
    pub admits: HostAdmits,
}

/// The events of a `site` stream, which are recorded in the registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum SiteEvent {
    /// A site exists.
    SiteOpened {
        /// Unique in the installation.
        slug: String,
        /// What it is called.
        name: String,
        /// Who becomes its first owner.
        owner_email: Personal<String>,
        /// The owner's name, if it was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner_name: Option<Personal<String>>,
        /// Under which id the owner is registered. Events from before this was said have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner_id: Option<PersonId>,
    },
    /// These are its hosts from now on, and no others.
    SiteHostsSet {
        /// In the order that they were given in; the first is where links lead.
        hosts: Vec<SiteHost>,
    },
    /// It is called something else.
    SiteRenamed {
        /// The name from now on.
        name: String,
    },
    /// It answers nobody any more. All that it holds is kept.
    SiteClosed {
        /// Why.
        reason: Personal<String>,
    },
    /// It answers again.
    SiteReopened {},
    /// It is to have a database of its own, and answers nobody before.
    SiteDatabaseWanted {},
    /// Its database was given to it. Where that is, is kept beside the log.
    SiteDatabaseGiven {},
    /// Its database is set up; it answers.
    SiteActivated {},
}
