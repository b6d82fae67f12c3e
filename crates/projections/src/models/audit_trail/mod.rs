//! The audit trail: every decision about people, cohorts, hubs and progression, by whom, when and why. It only grows.
//!
//! Attendance and reflections are not in it; a student's own history has them.

mod account;
mod entry;
mod queries;

use chrono::{DateTime, Utc};
use rollbook_domain::{Authority, CohortId, CommandId, EnrolmentId, HubId, ModuleId, PersonId, Personal, StreamType};
use rollbook_store::{Position, Recorded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::{ReadModel, SiteRows};

pub use queries::{AuditFilter, AuditItem, AuditSubject, list};

/// The read model.
#[derive(Debug)]
pub struct AuditTrail;

/// What was decided.
#[derive(
    Clone,
    Copy,
    Debug,
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
#[expect(missing_docs, reason = "each is the event of that name, as docs/domain.md describes it")]
pub enum AuditAction {
    RoleGranted,
    RoleRevoked,
    Deactivated,
    Reactivated,
    AccessEnded,
    OwnerReleased,
    SecondFactorAdded,
    SecondFactorRemoved,
    ModuleDefined,
    ModuleRetired,
    CohortScheduled,
    SessionRescheduled,
    SessionCancelled,
    CapacitySet,
    CohortStarted,
    CohortCompleted,
    CohortCancelled,
    CohortArchived,
    MarkerAppointed,
    MarkerDismissed,
    InstructorAppointed,
    InstructorDismissed,
    ContentCopied,
    MaterialAdded,
    MaterialUpdated,
    MaterialMoved,
    MaterialRemoved,
    ReflectionQuestionSet,
    HubFounded,
    HubClosed,
    CoordinatorAppointed,
    CoordinatorDismissed,
    Enrolled,
    HubJoined,
    HubLeft,
    FlagRaised,
    FlagCleared,
    FlagResolved,
    Advanced,
    Held,
    Released,
    WeekSet,
    Withdrawn,
    Moved,
    Reinstated,
    Completed,
    MarkerAssigned,
    MarkAmended,
    WeekEmailsRequested,
    EmailRetried,
    InvitationIssued,
    PasswordSet,
    SignedIn,
    SignInFailed,
    SignInsFailed,
    SignedOut,
    SignedOutEverywhere,
    ApiKeyCreated,
    ApiKeyRevoked,
    IdentityLinked,
    IdentityUnlinked,
    SiteOpened,
    SiteHostsSet,
    SiteRenamed,
    SiteClosed,
    SiteReopened,
    SiteSettingSet,
    SiteDatabaseWanted,
    SiteDatabaseGiven,
    SiteActivated,
}

impl AuditAction {
    /// What is decided about which sites there are.
    pub(super) const OF_THE_REGISTRY: [Self; 8] = [
        Self::SiteOpened,
        Self::SiteHostsSet,
        Self::SiteRenamed,
        Self::SiteClosed,
        Self::SiteReopened,
        Self::SiteDatabaseWanted,
        Self::SiteDatabaseGiven,
        Self::SiteActivated,
    ];
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Its event's place in the log.
    pub position: Position,
    /// When.
    pub at: DateTime<Utc>,
    /// Who; none is the system.
    pub actor_id: Option<PersonId>,
    /// In what capacity.
    pub authority: Option<Authority>,
    /// What.
    pub action: AuditAction,
    /// About which enrolment.
    pub enrolment_id: Option<EnrolmentId>,
    /// About which person, where it is not about an enrolment.
    pub person_id: Option<PersonId>,
    /// About which cohort, where it is not about an enrolment of it.
    pub cohort_id: Option<CohortId>,
    /// About which hub.
    pub hub_id: Option<HubId>,
    /// About which module.
    pub module_id: Option<ModuleId>,
    /// The week before.
    pub from_week: Option<u8>,
    /// The week afterwards; for a hold, a release and a session the week that it is about.
    pub to_week: Option<u8>,
    /// Why; for a flag that is raised or cleared, the weeks that were missed then; for a site or a setting, which and what.
    pub reason: Option<Personal<String>>,
    /// The command that it came from.
    pub command_id: CommandId,
}

impl ReadModel for AuditTrail {
    const NAME: &'static str = "audit_trail";
    const VERSION: i32 = 2;
    const TABLE: &'static str = "audit_trail";
    const KEY: &'static [&'static str] = &["position"];
    const COLUMNS: &'static [&'static str] = &[
        "at",
        "actor_id",
        "authority",
        "action",
        "enrolment_id",
        "person_id",
        "cohort_id",
        "hub_id",
        "module_id",
        "from_week",
        "to_week",
        "reason",
        "command_id",
    ];
    const STREAMS: &'static [StreamType] = StreamType::VARIANTS;
    const APPEND_ONLY: bool = true;
    const NEEDS_ACTOR: bool = true;

    type Key = Position;
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<Position> {
        entry::of(event).map(|_| event.position).into_iter().collect()
    }

    fn key(row: &Row) -> Position {
        row.position
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        if let Some(row) = entry::of(event) {
            rows.put(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use rollbook_domain::site::SiteEvent;
    use strum::VariantNames;

    use super::*;

    #[test]
    fn every_event_of_a_site_is_of_the_registry() {
        let named = AuditAction::OF_THE_REGISTRY.map(|action| format!("{action:?}"));
        assert_eq!(SiteEvent::VARIANTS.iter().filter(|event| !named.contains(&(**event).to_owned())).count(), 0);
    }
}
