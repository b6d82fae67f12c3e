//! A log of past terms, written straight into the table by binary COPY: what a school of some years would have. Nothing here
//! is decided by the domain's rules; the events are its own.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use rollbook_domain::Origin;
use rollbook_domain::cohort::{CohortEvent, ScheduledSession, Zone};
use rollbook_domain::enrolment::{
    AttendanceEvent, AttendanceStatus, EnrolmentEvent, MembershipEvent, Outcome, ProgressionEvent, ReflectionEvent,
    Venue, Visibility,
};
use rollbook_domain::hub::HubEvent;
use rollbook_domain::module::ModuleEvent;
use rollbook_domain::person::PersonEvent;
use rollbook_domain::{Authority, CohortId, EnrolmentId, Event, HubId, ModuleId, PersonId, Personal, SiteId, StreamId};
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt;
use uuid::Uuid;

/// How many students a cohort has, and how many cohorts go through a term at once.
const COHORT: u64 = 70;
const COHORTS: u64 = 20;
/// How many weeks a term has.
const WEEKS: u8 = 8;

const TEXT: &str = "Ko te pae tawhiti whāia kia tata. We spoke about what carries over from one week to the next, and I kept \
    two things: to ask before I answer, and to write down what surprised me. Next week I want to try it with my own class, and \
    to see whether they notice. It is harder than it sounds, because I am used to answering at once; but the quiet ones said \
    more than they had in all the weeks before, and that is worth a little silence.";
const FEEDBACK: &str = "Clear and honest; say more about the second thing.";

/// A log under way.
struct Writing {
    position: i64,
    until: i64,
    at: DateTime<Utc>,
    tuples: Vec<u8>,
    versions: HashMap<StreamId, i64>,
}

/// Fills an empty log with so many events, term after term; within a term the streams take turns.
pub async fn fill(pool: &PgPool, events: i64) {
    let sql =
        "copy events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, position,
        site_id, recorded_at, command_id) from stdin (format binary)";
    // COPY does not write into a guarded table.
    sqlx::raw_sql("alter table events no force row level security").execute(pool).await.expect("the owner is let in");
    #[expect(clippy::disallowed_methods, reason = "nobody gives this up")]
    let mut copy = pool.copy_in_raw(sql).await.expect("a copy begins");
    copy.send(&b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0"[..]).await.expect("a header");
    let at = DateTime::from_timestamp(1_580_000_000, 123_456_000).expect("an instant");
    let mut log = Writing { position: 0, until: events, at, tuples: Vec::new(), versions: HashMap::default() };
    log.write(
        ModuleId(id(1, 0)),
        ModuleEvent::ModuleDefined { code: "AKO-1".into(), title: "Ako".into(), weeks: WEEKS },
    );
    for hub in 0..20 {
        log.write(HubId(id(2, hub)), HubEvent::HubFounded { name: format!("Hub {hub}"), place: None });
    }
    let mut term = 0;
    while log.position < log.until {
        log.term(term, &mut async |tuples: Vec<u8>| {
            copy.send(tuples).await.expect("the events are taken");
        })
        .await;
        term += 1;
    }
    log.tuples.extend((-1_i16).to_be_bytes());
    copy.send(log.tuples).await.expect("the last events are taken");
    copy.finish().await.expect("the log is written");
    sqlx::raw_sql("alter table events force row level security").execute(pool).await.expect("it is guarded again");
    sqlx::raw_sql("vacuum (analyze) events").execute(pool).await.expect("a vacuum");
}

impl Writing {
    async fn term(&mut self, term: u64, flush: &mut impl AsyncFnMut(Vec<u8>)) {
        let students = term * COHORTS * COHORT..(term + 1) * COHORTS * COHORT;
        for cohort in term * COHORTS..(term + 1) * COHORTS {
            self.write(CohortId(id(3, cohort)), scheduled(cohort, self.at));
            self.write(CohortId(id(3, cohort)), CohortEvent::CohortStarted {});
        }
        for student in students.clone() {
            self.enrol(student);
        }
        for week in 1..=WEEKS {
            self.at += TimeDelta::days(7);
            for student in students.clone() {
                self.week(student, week);
                if self.tuples.len() > 1 << 20 {
                    flush(std::mem::take(&mut self.tuples)).await;
                }
            }
        }
        for student in students {
            self.write(EnrolmentId(id(5, student)), EnrolmentEvent::Membership(MembershipEvent::EnrolmentCompleted {}));
        }
    }

    fn enrol(&mut self, student: u64) {
        let (person, enrolment) = (PersonId(id(4, student)), EnrolmentId(id(5, student)));
        let (name, email) = (format!("Student {student}").into(), format!("s{student}@example.org").into());
        self.write(person, PersonEvent::PersonRegistered { name, email, external_id: None, origin: Origin::Hand });
        let cohort_id = CohortId(id(3, student / COHORT));
        let enrolled = EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
            cohort_id,
            person_id: person,
            hub_id: None,
            week: 1,
            moved_from: None,
            origin: Origin::Hand,
        });
        self.write(enrolment, enrolled);
        self.write(
            enrolment,
            EnrolmentEvent::Membership(MembershipEvent::HubJoined {
                hub_id: HubId(id(2, student % 20)),
                previous: None,
                origin: Origin::Hand,
            }),
        );
        let marker_id = PersonId(id(6, student % 9));
        self.write(
            enrolment,
            EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned { marker_id, previous: None }),
        );
    }

    fn week(&mut self, student: u64, week: u8) {
        let enrolment = EnrolmentId(id(5, student));
        // One in ten misses three sessions, and is talked to.
        let status = if student % 10 == 3 && week <= 3 { AttendanceStatus::Absent } else { AttendanceStatus::Present };
        self.write(
            enrolment,
            EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked {
                week,
                status,
                place: Some(Venue::Hub),
                note: None,
                by: Some(PersonId(id(7, student % 20))),
                authority: Authority::Coordinator,
                hub_id: Some(HubId(id(2, student % 20))),
            }),
        );
        if student % 10 == 3 && week == 3 {
            self.write(
                enrolment,
                EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagRaised {
                    flag: 1,
                    missed_weeks: (1..=3).collect(),
                }),
            );
            self.write(
                enrolment,
                EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagResolved {
                    flag: 1,
                    reason: "we spoke on the phone".into(),
                }),
            );
        }
        let text = Personal::new(format!("{student}: {TEXT}"));
        self.write(
            enrolment,
            EnrolmentEvent::Reflections(ReflectionEvent::ReflectionSubmitted {
                week,
                text,
                visibility: Visibility::Cohort,
            }),
        );
        let by = Some(PersonId(id(6, student % 9)));
        let feedback = FEEDBACK.into();
        self.write(
            enrolment,
            EnrolmentEvent::Reflections(ReflectionEvent::ReflectionMarked {
                week,
                outcome: Outcome::Pass,
                feedback,
                by,
            }),
        );
        if week < WEEKS {
            self.write(
                enrolment,
                EnrolmentEvent::Progression(ProgressionEvent::StudentAdvanced {
                    from_week: week,
                    to_week: week + 1,
                    reason: None,
                }),
            );
        }
    }

    /// Writes an event, unless there are enough.
    fn write(&mut self, stream: impl Into<StreamId>, event: impl Into<Event>) {
        if self.position == self.until {
            return;
        }
        let (stream, event): (StreamId, Event) = (stream.into(), event.into());
        self.position += 1;
        let version = self.versions.entry(stream).or_default();
        *version += 1;
        let command = id(8, u64::try_from(self.position).expect("a count"));
        let at = self.at + TimeDelta::milliseconds(self.position % 80_000_000);
        let metadata = format!(
            r#"{{"actor":"{}","authority":"admin","command_id":"{command}","correlation_id":"{command}","recorded_at":"{}"}}"#,
            id(6, 1),
            at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
        );
        let out = &mut self.tuples;
        out.extend(11_i16.to_be_bytes());
        put(out, stream.kind.as_str().as_bytes());
        put(out, stream.id.to_string().as_bytes());
        put(out, &version.to_be_bytes());
        put(out, event.type_name().as_bytes());
        put(out, event.version().as_bytes());
        put(out, event.payload().expect("a payload").as_bytes());
        put(out, metadata.as_bytes());
        put(out, &self.position.to_be_bytes());
        put(out, SiteId::DEFAULT.0.as_bytes());
        put(out, &(at.timestamp_micros() - 946_684_800_000_000).to_be_bytes());
        put(out, command.as_bytes());
    }
}

fn put(out: &mut Vec<u8>, value: &[u8]) {
    out.extend(i32::try_from(value.len()).expect("a short value").to_be_bytes());
    out.extend(value);
}

fn scheduled(cohort: u64, at: DateTime<Utc>) -> CohortEvent {
    let session =
        |week: u8| ScheduledSession { week, starts_at: at + TimeDelta::days(7 * i64::from(week)), minutes: 120 };
    CohortEvent::CohortScheduled {
        module_id: ModuleId(id(1, 0)),
        name: format!("Cohort {cohort}"),
        starts_on: NaiveDate::default(),
        session_start: NaiveTime::MIN,
        session_minutes: 120,
        timezone: Zone::UTC,
        capacity: None,
        absence_threshold: 3,
        reflection_grace_days: 14,
        sessions: (1..=WEEKS).map(session).collect(),
    }
}

/// An id as version 7 makes them: growing, with a random end.
pub fn id(kind: u128, number: u64) -> Uuid {
    let mut random =
        number.wrapping_add(u64::try_from(kind).unwrap_or_default() << 56).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    random = (random ^ (random >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    random ^= random >> 29;
    let time = (0x0198_c1d2_0000_u128 + u128::from(number)) << 80;
    Uuid::from_u128(time | 0x7 << 76 | kind << 64 | 0x8 << 60 | u128::from(random >> 4))
}
