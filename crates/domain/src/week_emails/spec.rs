//! What commands about a cohort's emails have in common.

use super::WeekEmails;
use crate::aggregate::AggregateSpec;
use crate::ids::WeekEmailsId;
use crate::world::Loaded;

impl AggregateSpec for WeekEmails {
    /// Every cohort has its emails, before the first is sent.
    fn exists(_: WeekEmailsId, _: &Loaded<Self>) -> bool {
        true
    }
}
