//! Reflections: what students wrote last for each week, who may read it, and how it was marked.

mod queries;

use chrono::{DateTime, Utc};
use rollbook_domain::enrolment::{EnrolmentEvent, Outcome, ReflectionEvent, Visibility};
use rollbook_domain::{EnrolmentId, Event, PersonId, Personal, StreamType};
use rollbook_store::Recorded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ReadModel, SiteRows};

pub use queries::{ReflectionItem, of_cohort, of_enrolment};

/// The read model.
#[derive(Debug)]
pub struct Reflections;

/// A reflection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Whose.
    pub enrolment_id: EnrolmentId,
    /// Of which week.
    pub week: u8,
    /// What they wrote last.
    pub text: Personal<String>,
    /// Who may read it.
    pub visibility: Visibility,
    /// When it was handed in first.
    pub submitted_at: DateTime<Utc>,
    /// When it was handed in again, last.
    pub revised_at: Option<DateTime<Utc>>,
    /// How it was marked; none while it waits, also after a revision.
    pub outcome: Option<Outcome>,
    /// The written comment.
    pub feedback: Option<Personal<String>>,
    /// By whom; none is the system, or nobody yet.
    pub marked_by: Option<PersonId>,
    /// When.
    pub marked_at: Option<DateTime<Utc>>,
    /// When the mark was changed, last.
    pub amended_at: Option<DateTime<Utc>>,
    /// Why.
    pub amend_reason: Option<Personal<String>>,
    /// How it was marked before it was handed in again, the oldest first.
    pub earlier: Vec<Marking>,
}

/// A mark that a revision has taken the place of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Marking {
    /// How it was marked.
    pub outcome: Outcome,
    /// The written comment.
    pub feedback: Personal<String>,
    /// By whom; null is the system.
    pub marked_by: Option<PersonId>,
    /// When.
    pub marked_at: DateTime<Utc>,
}

impl Row {
    /// The mark as it is, if it is marked.
    fn marking(&self) -> Option<Marking> {
        let (outcome, feedback, marked_at) = (self.outcome?, self.feedback.clone()?, self.marked_at?);
        Some(Marking { outcome, feedback, marked_by: self.marked_by, marked_at })
    }
}

impl ReadModel for Reflections {
    const NAME: &'static str = "reflections";
    const VERSION: i32 = 2;
    const TABLE: &'static str = "reflections";
    const KEY: &'static [&'static str] = &["enrolment_id", "week"];
    const COLUMNS: &'static [&'static str] = &[
        "text",
        "visibility",
        "submitted_at",
        "revised_at",
        "outcome",
        "feedback",
        "marked_by",
        "marked_at",
        "amended_at",
        "amend_reason",
        "earlier",
    ];
    const STREAMS: &'static [StreamType] = &[StreamType::Enrolment];

    type Key = (EnrolmentId, u8);
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<Self::Key> {
        let Event::Enrolment(EnrolmentEvent::Reflections(happened)) = &event.event else { return Vec::new() };
        week_of(happened).map(|week| (EnrolmentId(event.stream.id), week)).into_iter().collect()
    }

    fn key(row: &Row) -> Self::Key {
        (row.enrolment_id, row.week)
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        let Event::Enrolment(EnrolmentEvent::Reflections(happened)) = &event.event else { return };
        let (enrolment_id, at) = (EnrolmentId(event.stream.id), event.recorded_at);
        match happened {
            ReflectionEvent::ReflectionSubmitted { week, text, visibility } => {
                rows.put(handed_in((enrolment_id, *week), text, *visibility, at));
            }
            ReflectionEvent::ReflectionRevised { week, text, visibility } => {
                let key = (enrolment_id, *week);
                let before = rows.get(&key);
                let first = before.map_or(at, |row| row.submitted_at);
                let earlier =
                    before.map_or_else(Vec::new, |row| row.earlier.iter().cloned().chain(row.marking()).collect());
                rows.put(Row { revised_at: Some(at), earlier, ..handed_in(key, text, *visibility, first) });
            }
            ReflectionEvent::ReflectionVisibilitySet { week, visibility } => {
                rows.update((enrolment_id, *week), |row| row.visibility = *visibility);
            }
            ReflectionEvent::ReflectionMarked { week, outcome, feedback, by } => {
                rows.update((enrolment_id, *week), |row| {
                    row.outcome = Some(*outcome);
                    row.feedback = Some(feedback.clone());
                    row.marked_by = *by;
                    row.marked_at = Some(at);
                });
            }
            ReflectionEvent::MarkAmended { week, outcome, feedback, reason, by } => {
                rows.update((enrolment_id, *week), |row| {
                    row.outcome = Some(*outcome);
                    row.feedback = Some(feedback.clone());
                    row.marked_by = *by;
                    row.amended_at = Some(at);
                    row.amend_reason = Some(reason.clone());
                });
            }
            ReflectionEvent::MarkerAssigned { .. } => {}
        }
    }
}

/// A reflection that nobody has marked.
fn handed_in(
    (enrolment_id, week): (EnrolmentId, u8),
    text: &Personal<String>,
    visibility: Visibility,
    submitted_at: DateTime<Utc>,
) -> Row {
    Row {
        enrolment_id,
        week,
        text: text.clone(),
        visibility,
        submitted_at,
        revised_at: None,
        outcome: None,
        feedback: None,
        marked_by: None,
        marked_at: None,
        amended_at: None,
        amend_reason: None,
        earlier: Vec::new(),
    }
}

/// Which week's reflection an event is about.
fn week_of(event: &ReflectionEvent) -> Option<u8> {
    match event {
        ReflectionEvent::ReflectionSubmitted { week, .. }
        | ReflectionEvent::ReflectionRevised { week, .. }
        | ReflectionEvent::ReflectionVisibilitySet { week, .. }
        | ReflectionEvent::ReflectionMarked { week, .. }
        | ReflectionEvent::MarkAmended { week, .. } => Some(*week),
        ReflectionEvent::MarkerAssigned { .. } => None,
    }
}
