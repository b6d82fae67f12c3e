//! What a caller sees of cohorts: the policy's answers as the contract's problems, so that nobody learns of what is not
//! theirs to see.

use rollbook_domain::CohortId;
use rollbook_domain::policy::{RosterScope, WHO_TAKES_ATTENDANCE};
use rollbook_projections::models::cohorts::{self, CohortItem};
use rollbook_projections::{Moment, Paged};
use rollbook_store::Position;

use crate::auth::Caller;
use crate::problem::ApiError;

impl Caller {
    /// The cohort, if the caller has to do with it.
    pub async fn cohort(&self, cohort: CohortId) -> Result<CohortItem, ApiError> {
        self.sees(cohort)?;
        let found = cohorts::get(self.pool(), self.site, cohort).await?;
        found.ok_or_else(|| ApiError::not_found("cohort"))
    }

    /// Refuses to say anything of a cohort that the caller has nothing to do with.
    pub fn sees(&self, cohort: CohortId) -> Result<(), ApiError> {
        if self.reader.cohort(cohort) { Ok(()) } else { Err(ApiError::not_found("cohort")) }
    }

    /// Whether the caller may take attendance of some of a cohort's students; of whom, the command decides.
    pub fn takes_attendance(&self, cohort: CohortId) -> Result<(), ApiError> {
        self.sees(cohort)?;
        if self.reader.takes_attendance(cohort) { Ok(()) } else { Err(ApiError::Forbidden(WHO_TAKES_ATTENDANCE)) }
    }

    /// How much of the roster the caller sees.
    pub fn roster(&self, cohort: CohortId) -> Result<RosterScope, ApiError> {
        self.sees(cohort)?;
        self.reader.roster(cohort).ok_or(ApiError::Forbidden(
            "rosters are for admins, the cohort's instructors and markers, and coordinators",
        ))
    }

    /// The cohort as it was at a position, if it was there then, with the students whom the caller sees today.
    pub async fn moment(&self, cohort: CohortId, scope: &RosterScope, position: Position) -> Result<Moment, ApiError> {
        let moment = Moment::of_cohort(self.state.store(), self.site, cohort, scope, position).await?;
        moment.ok_or_else(|| ApiError::not_found("cohort"))
    }

    /// A page of a cohort; nothing to show may mean that there is no such cohort.
    pub async fn known<T>(&self, cohort: CohortId, page: Paged<T>) -> Result<Paged<T>, ApiError> {
        if page.items.is_empty() {
            self.cohort(cohort).await?;
        }
        Ok(page)
    }
}
