//! What can be asked about a cohort's emails.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cohort::Week;
use crate::ids::{CohortId, EnrolmentId, MessageId};

/// Tells the students of a week that it is open: each active student who is in that week, is not held, and was not told of
/// it before. Asked again, it tells only those who have come since.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendWeekEmails {
    /// Which cohort.
    pub cohort_id: CohortId,
    /// Which week.
    pub week: Week,
}

/// Sends one message again that was not delivered, or not surely. No client sends this: what became of the message is looked
/// up before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryEmail {
    /// Which cohort.
    pub cohort_id: CohortId,
    /// Which message.
    pub message_id: MessageId,
    /// To whom.
    pub enrolment_id: EnrolmentId,
}

/// The commands about a cohort's emails.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum WeekEmailsCommand {
    /// See [`SendWeekEmails`].
    SendWeekEmails(SendWeekEmails),
    /// See [`RetryEmail`].
    RetryEmail(RetryEmail),
}
