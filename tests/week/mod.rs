//! The week's work: calendars, marking, reports, and a whole term of it.

mod calendar;
mod marking;
mod report;
mod term;
