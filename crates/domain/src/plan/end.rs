//! Ending a cohort, and with it its active enrolments.
