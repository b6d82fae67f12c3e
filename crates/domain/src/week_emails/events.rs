//! What happened to a cohort's emails. A contract: a changed event is a new version, an upcaster and a new fixture.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{EnrolmentId, MessageId};

/// The events of a `week_emails` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum WeekEmailsEvent {
    /// Students are to be told that their week is open: one message each.
    WeekEmailsRequested {
        /// Which week.
        week: u8,
        /// Whom; nobody who was told of that week before.
        enrolments: BTreeSet<EnrolmentId>,
    },
    /// A message that was not delivered, or not surely, is to be sent again.
    EmailRetried {
        /// Which.
        message_id: MessageId,
        /// To whom.
        enrolment_id: EnrolmentId,
    },
}
