//! What commands about a cohort have in common.

use super::Cohort;
use crate::aggregate::AggregateSpec;
use crate::claim::ClaimSet;
use crate::ids::{CohortId, EnrolmentId};
use crate::world::Needs;

/// A cohort claims nothing; its places are claimed by the enrolments in it.
impl AggregateSpec for Cohort {}

/// Asks for a cohort with the enrolments of one of its sets.
pub(crate) fn need_students(id: CohortId, set: ClaimSet, needs: &mut Needs<'_>) {
    needs.stream(id.into());
    for enrolment in needs.members(set) {
        needs.stream(EnrolmentId::from(*enrolment).into());
    }
}
