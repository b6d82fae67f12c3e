//! What the queries answer, page by page, and never across sites.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use rollbook_domain::cohort::{CohortEvent, CohortStatus, ScheduledSession, Zone};
use rollbook_domain::enrolment::{
    AttendanceEvent, AttendanceStatus, EnrolmentEvent, EnrolmentStatus, MembershipEvent, Outcome, ProgressionEvent,
    ReflectionEvent, Venue, Visibility,
};
use rollbook_domain::hub::HubEvent;
use rollbook_domain::module::ModuleEvent;
use rollbook_domain::person::{PersonEvent, Role};
use rollbook_domain::policy::{Reader, RosterScope};
use rollbook_domain::{Authority, CohortId, EnrolmentId, Event, HubId, ModuleId, PersonId, Personal, SiteId, StreamId};
use rollbook_projections::models::advancement::Proposed;
use rollbook_projections::models::audit_trail::{AuditAction, AuditFilter};
use rollbook_projections::models::cohorts::CohortFilter;
use rollbook_projections::models::marking_queue::QueueFilter;
use rollbook_projections::models::reader::reader;
use rollbook_projections::models::roster::{ReflectionState, RosterFilter};
use rollbook_projections::models::{
    absence_flags, advancement, audit_trail, cohorts, hub_roster, hubs, marking_queue, modules, people, record,
    reflections, register, roster,
};
use rollbook_projections::{Page, Paged, Projections, QueryError};
use sqlx::PgPool;
use uuid::Uuid;

use super::{caught_up, write_at};
use crate::harness::{Database, at};
use rollbook_domain::Origin;

const SITE: SiteId = SiteId::DEFAULT;
const OTHER_SITE: SiteId = SiteId(Uuid::from_u128(2));
const NAMES: [&str; 5] = ["Åsa", "Béla", "Chloë", "Đorđe", "Élodie"];

fn id<T: From<Uuid>>(number: u128) -> T {
    T::from(Uuid::from_u128(number))
}

/// A cohort of four students, of which the fourth is withdrawn; in two hubs and the flagship; with one marker.
struct Class {
    database: Database,
    projections: Projections,
    minute: i64,
}

const MODULE: u128 = 10;
const COHORT: u128 = 20;
const HUBS: [u128; 2] = [30, 31];
const TEACHER: u128 = 40;

fn person(nth: u128) -> PersonId {
    id(100 + nth)
}

fn enrolment(nth: u128) -> EnrolmentId {
    id(200 + nth)
}

impl Class {
    async fn open() -> Self {
        let database = Database::create().await;
        let projections = Projections::start(database.store());
        let mut class = Self { database, projections, minute: 0 };
        for (nth, name) in (0..).zip(NAMES) {
            let (name, email) = (name.into(), format!("Student{nth}@Example.org").into());
            class
                .happens(
                    person(nth),
                    PersonEvent::PersonRegistered { name, email, external_id: None, origin: Origin::Hand },
                )
                .await;
        }
        let (name, email) = ("Teresa Teacher".into(), "teresa@example.org".into());
        class
            .happens(
                id::<PersonId>(TEACHER),
                PersonEvent::PersonRegistered { name, email, external_id: None, origin: Origin::Hand },
            )
            .await;
        let defined = ModuleEvent::ModuleDefined { code: "AKO-1".into(), title: "Ako".into(), weeks: 3 };
        class.happens(id::<ModuleId>(MODULE), defined).await;
        for hub in HUBS {
            class.happens(id::<HubId>(hub), HubEvent::HubFounded { name: format!("Hub {hub}"), place: None }).await;
        }
        let first = at("2026-02-03T08:00:00Z");
        class
            .happens(
                id::<CohortId>(COHORT),
                CohortEvent::CohortScheduled {
                    module_id: id(MODULE),
                    name: "Kererū".into(),
                    starts_on: first.date_naive(),
                    session_start: "19:00:00".parse().expect("a time"),
                    session_minutes: 120,
                    timezone: Zone::try_from("Australia/Sydney".to_owned()).expect("a zone"),
                    capacity: None,
                    absence_threshold: 2,
                    reflection_grace_days: 14,
                    sessions: (1..=3)
                        .map(|week| ScheduledSession {
                            week,
                            starts_at: first + chrono::TimeDelta::weeks(i64::from(week) - 1),
                            minutes: 120,
                        })
                        .collect(),
                },
            )
            .await;
        class.happens(id::<CohortId>(COHORT), CohortEvent::CohortStarted {}).await;
        class.happens(id::<CohortId>(COHORT), CohortEvent::MarkerAppointed { person_id: id(TEACHER) }).await;
        for (nth, hub) in (0..).zip([Some(HUBS[0]), Some(HUBS[1]), None, Some(HUBS[0])]) {
            class
                .happens(
                    enrolment(nth),
                    EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
                        cohort_id: id(COHORT),
                        person_id: person(nth),
                        hub_id: hub.map(id),
                        week: 1,
                        moved_from: None,
                        origin: Origin::Hand,
                    }),
                )
                .await;
        }
        class
            .happens(
                enrolment(3),
                EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn { reason: "away".into(), moved_to: None }),
            )
            .await;
        class
    }

    fn pool(&self) -> &PgPool {
        &self.database.pool
    }

    /// Something happens, a minute after the last thing, decided by the teacher.
    async fn happens(&mut self, stream: impl Into<StreamId>, event: impl Into<Event>) {
        self.minute += 1;
        let instant = at("2026-02-03T10:00:00.123456Z") + chrono::TimeDelta::minutes(self.minute);
        write_at(self.pool(), SITE, stream.into(), Some(id(TEACHER)), &event.into(), instant).await;
    }

    async fn attends(&mut self, nth: u128, week: u8, status: AttendanceStatus) {
        let marked = EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked {
            week,
            status,
            place: Some(Venue::Hub),
            note: Some("by the door".into()),
            by: Some(id(TEACHER)),
            authority: Authority::Instructor,
            hub_id: Some(id(HUBS[0])),
        });
        self.happens(enrolment(nth), marked).await;
    }

    async fn reflects(&mut self, nth: u128, week: u8, visibility: Visibility) {
        let text = format!("Reflection {nth} of week {week}").into();
        self.happens(
            enrolment(nth),
            EnrolmentEvent::Reflections(ReflectionEvent::ReflectionSubmitted { week, text, visibility }),
        )
        .await;
    }

    async fn settles(&self) {
        caught_up(&self.database.store(), &self.projections).await;
    }

    async fn reader(&self, person: PersonId) -> Reader {
        reader(self.pool(), SITE, person).await.expect("rights").expect("a person")
    }
}

/// The whole list, and that it is the same when it is asked for page by page.
async fn whole<T: PartialEq + Debug>(mut ask: impl AsyncFnMut(Page) -> Result<Paged<T>, QueryError>) -> Vec<T> {
    let all = ask(Page::default()).await.expect("the list is read");
    assert_eq!(all.next, None);
    let mut page = Page { limit: 1, after: None };
    let mut one_by_one = Vec::new();
    loop {
        let part = ask(page.clone()).await.expect("the page is read");
        assert!(part.items.len() <= 1);
        one_by_one.extend(part.items);
        let Some(next) = part.next else { break };
        assert!(next.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)), "{next} needs no escaping");
        page = page.after(next);
    }
    assert_eq!(all.items, one_by_one);
    let wrong = ask(Page::default().after("not-one".into())).await;
    assert!(matches!(wrong, Err(QueryError::BadCursor)), "a wrong cursor is refused");
    all.items
}

fn names<T>(items: &[T], name: impl Fn(&T) -> &Personal<String>) -> Vec<&str> {
    items.iter().map(|item| name(item).as_str()).collect()
}

#[tokio::test]
async fn people_modules_hubs_and_cohorts_are_listed_and_found() {
    let mut class = Class::open().await;
    class.happens(id::<HubId>(HUBS[0]), HubEvent::CoordinatorAppointed { person_id: person(4) }).await;
    let lead = CohortEvent::InstructorAppointed { person_id: id(TEACHER), lead: true };
    class.happens(id::<CohortId>(COHORT), lead).await;
    class.settles().await;
    let pool = class.pool();

    let everybody = whole(async |page| people::list(pool, SITE, &page).await).await;
    assert_eq!(everybody.len(), 6);
    let found = people::by_email(pool, SITE, " sTUDENT1@example.ORG ").await.expect("a query").expect("a person");
    assert_eq!((found.person_id, found.email.as_str()), (person(1), "Student1@Example.org"));
    assert_eq!(people::get(pool, SITE, person(1)).await.expect("a query"), Some(found));

    let module = whole(async |page| modules::list(pool, SITE, &page).await).await.remove(0);
    assert_eq!(modules::get(pool, SITE, id(MODULE)).await.expect("a query"), Some(module));

    let list = whole(async |page| hubs::list(pool, SITE, None, &page).await).await;
    assert_eq!(list.iter().map(|hub| hub.students).collect::<Vec<_>>(), [1, 1], "the withdrawn one is not counted");
    assert_eq!(list[0].coordinator.as_ref().map(|person| person.name.as_str()), Some("Élodie"));
    let only = BTreeSet::from([id(HUBS[1])]);
    assert_eq!(hubs::list(pool, SITE, Some(&only), &Page::default()).await.expect("a query").items, [list[1].clone()]);
    assert_eq!(hubs::get(pool, SITE, id(HUBS[0])).await.expect("a query").as_ref(), Some(&list[0]));

    let filter = CohortFilter { status: Some(CohortStatus::Active), module_id: Some(id(MODULE)), only: None };
    let cohort = whole(async |page| cohorts::list(pool, SITE, &filter, &page).await).await.remove(0);
    assert_eq!((cohort.module.as_str(), cohort.active_students, cohort.sessions.len()), ("Ako", 3, 3));
    assert_eq!(cohort.sessions[1].session.starts_at, at("2026-02-10T08:00:00Z"));
    assert_eq!(names(&cohort.markers, |marker| &marker.name), ["Teresa Teacher"]);
    assert!(cohort.instructors[0].lead);
    assert_eq!(cohorts::get(pool, SITE, id(COHORT)).await.expect("a query"), Some(cohort));
    let none = CohortFilter { only: Some(BTreeSet::new()), ..CohortFilter::default() };
    assert_eq!(cohorts::list(pool, SITE, &none, &Page::default()).await.expect("a query").items, []);
}

#[tokio::test]
async fn rosters_show_whom_the_reader_sees_by_name() {
    let mut class = Class::open().await;
    class.attends(0, 1, AttendanceStatus::Absent).await;
    class.attends(0, 2, AttendanceStatus::Late).await;
    class
        .happens(
            enrolment(1),
            EnrolmentEvent::Progression(ProgressionEvent::StudentHeld { week: 1, reason: "to talk".into() }),
        )
        .await;
    class.settles().await;
    let (pool, cohort) = (class.pool(), id::<CohortId>(COHORT));

    let all = RosterFilter::all(RosterScope::Whole);
    let rows = whole(async |page| roster::list(pool, SITE, cohort, &all, &page).await).await;
    assert_eq!(names(&rows, |row| &row.name), NAMES[..4], "sorted as people sort");
    let row = rows.iter().find(|row| row.enrolment_id == enrolment(0)).expect("a row");
    assert_eq!(
        row.attendance.read().expect("weeks"),
        [(1, AttendanceStatus::Absent), (2, AttendanceStatus::Late)].into()
    );
    assert_eq!((row.absences, row.hub.as_deref(), row.email.as_str()), (1, Some("Hub 30"), "Student0@Example.org"));

    let of = async |filter: RosterFilter| {
        let found = roster::list(pool, SITE, cohort, &filter, &Page::default()).await.expect("a query").items;
        found.into_iter().map(|row| row.enrolment_id).collect::<BTreeSet<_>>()
    };
    let scope = RosterScope::Hubs([id(HUBS[0])].into());
    assert_eq!(of(RosterFilter::all(scope.clone())).await, [enrolment(0), enrolment(3)].into());
    assert_eq!(of(RosterFilter { hub_id: Some(id(HUBS[1])), ..RosterFilter::all(scope) }).await, [].into());
    assert_eq!(of(RosterFilter { held: Some(true), ..all.clone() }).await, [enrolment(1)].into());
    assert_eq!(of(RosterFilter { flagged: Some(true), ..all.clone() }).await, [].into());

    let hub = whole(async |page| hub_roster::list(pool, SITE, id(HUBS[0]), &page).await).await;
    assert_eq!((hub.len(), hub[0].cohort.as_str(), hub[0].student.name.as_str()), (1, "Kererū", "Åsa"));

    let session = whole(async |page| register::list(pool, SITE, cohort, 1, &RosterScope::Whole, &page).await).await;
    let marks: BTreeSet<_> = session.iter().map(|item| (item.enrolment_id, item.status.is_some())).collect();
    assert_eq!(marks, [(enrolment(0), true), (enrolment(1), false), (enrolment(2), false)].into());
    let mark = session.iter().find(|item| item.status.is_some()).expect("a mark");
    assert_eq!(mark.by.as_ref().map(|by| by.name.as_str()), Some("Teresa Teacher"));
    assert_eq!((mark.authority, mark.place), (Some(Authority::Instructor), Some(Venue::Hub)));

    let found = record::get(pool, SITE, enrolment(0)).await.expect("a query").expect("a record");
    assert_eq!((found.attendance[&2].status, found.version), (AttendanceStatus::Late, 3));
    assert_eq!(found.attendance[&1].note.as_ref().map(Personal::as_str), Some("by the door"));
    let gone = record::get(pool, SITE, enrolment(3)).await.expect("a query").expect("a record");
    assert_eq!(gone.status, EnrolmentStatus::Withdrawn);
}

#[tokio::test]
async fn flags_and_the_sheet_follow_the_absences() {
    let mut class = Class::open().await;
    class.attends(0, 1, AttendanceStatus::Absent).await;
    let missed = BTreeSet::from([1, 2]);
    class.attends(0, 2, AttendanceStatus::Absent).await;
    class
        .happens(
            enrolment(0),
            EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagRaised { flag: 1, missed_weeks: missed.clone() }),
        )
        .await;
    class
        .happens(
            enrolment(0),
            EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagResolved { flag: 1, reason: "was ill".into() }),
        )
        .await;
    class
        .happens(
            enrolment(0),
            EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagRaised { flag: 2, missed_weeks: missed.clone() }),
        )
        .await;
    class
        .happens(
            enrolment(1),
            EnrolmentEvent::Progression(ProgressionEvent::StudentHeld { week: 1, reason: "to talk".into() }),
        )
        .await;
    class.settles().await;
    let (pool, cohort) = (class.pool(), id::<CohortId>(COHORT));

    let flags = whole(async |page| absence_flags::list(pool, SITE, cohort, &RosterScope::Whole, &page).await).await;
    let ends: Vec<_> = flags.iter().map(|flag| (flag.flag, flag.resolved_at.is_some(), flag.cleared_at)).collect();
    assert_eq!(ends, [(1, true, None), (2, false, None)]);
    assert_eq!((flags[0].name.as_str(), &flags[0].missed_weeks), ("Åsa", &missed));
    assert_eq!(record::get(pool, SITE, enrolment(0)).await.expect("a query").expect("a record").flags, flags);
    let elsewhere = RosterScope::Hubs([id(HUBS[1])].into());
    assert_eq!(absence_flags::list(pool, SITE, cohort, &elsewhere, &Page::default()).await.expect("a query").items, []);

    let sheet = async |week| {
        let items = whole(async |page| advancement::list(pool, SITE, cohort, week, &page).await).await;
        items.into_iter().map(|item| (item.enrolment_id, item.proposed)).collect::<BTreeMap<_, _>>()
    };
    let expected = [(enrolment(0), Proposed::Hold), (enrolment(1), Proposed::Hold), (enrolment(2), Proposed::Advance)];
    assert_eq!(sheet(2).await, expected.into());
    assert_eq!(sheet(3).await, expected.map(|(id, _)| (id, Proposed::Untouched)).into());
}

#[tokio::test]
async fn the_queue_holds_what_waits_and_reflections_are_read_as_the_policy_says() {
    let mut class = Class::open().await;
    class
        .happens(
            enrolment(0),
            EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned { marker_id: id(TEACHER), previous: None }),
        )
        .await;
    class.reflects(0, 1, Visibility::Private).await;
    class.reflects(1, 1, Visibility::Cohort).await;
    class.reflects(2, 1, Visibility::Cohort).await;
    class.reflects(1, 2, Visibility::Cohort).await;
    class.reflects(2, 2, Visibility::Private).await;
    let (outcome, feedback) = (Outcome::Fail, Personal::from("say more"));
    class
        .happens(
            enrolment(1),
            EnrolmentEvent::Reflections(ReflectionEvent::ReflectionMarked {
                week: 1,
                outcome,
                feedback,
                by: Some(id(TEACHER)),
            }),
        )
        .await;
    class.settles().await;
    let (pool, cohort) = (class.pool(), id::<CohortId>(COHORT));

    let queue = whole(async |page| marking_queue::list(pool, SITE, &QueueFilter::default(), &page).await).await;
    let waiting: Vec<_> = queue.iter().map(|item| (item.enrolment_id, item.week)).collect();
    assert_eq!(waiting, [(enrolment(0), 1), (enrolment(2), 1), (enrolment(1), 2), (enrolment(2), 2)]);
    assert_eq!(queue[0].text.as_str(), "Reflection 0 of week 1");
    let own = QueueFilter { marker_id: Some(id(TEACHER)), cohorts: Some([cohort].into()), state: None };
    assert_eq!(whole(async |page| marking_queue::list(pool, SITE, &own, &page).await).await, [queue[0].clone()]);
    let none = QueueFilter { cohorts: Some(BTreeSet::new()), ..QueueFilter::default() };
    assert_eq!(marking_queue::list(pool, SITE, &none, &Page::default()).await.expect("a query").items, []);
    let states = record::get(pool, SITE, enrolment(1)).await.expect("a query").expect("a record").reflections;
    assert_eq!(states, [(1, ReflectionState::Fail), (2, ReflectionState::Submitted)].into());

    let read = async |reader: &Reader, week| {
        let items = whole(async |page| reflections::of_cohort(pool, SITE, cohort, week, reader, &page).await).await;
        items.into_iter().map(|item| ((item.enrolment_id, item.week), item.feedback.is_some())).collect::<Vec<_>>()
    };
    let marker = class.reader(id(TEACHER)).await;
    assert_eq!(read(&marker, None).await.len(), 5, "the marker reads all");
    assert_eq!(read(&marker, Some(2)).await.len(), 2);
    let mate = class.reader(person(0)).await;
    let mates = [((enrolment(0), 1), false), ((enrolment(1), 1), false), ((enrolment(2), 1), false)];
    assert_eq!(read(&mate, None).await, mates, "one's own, and public ones up to one's week, without others' marks");
    let student = class.reader(person(1)).await;
    assert_eq!(read(&student, None).await.iter().filter(|(_, feedback)| *feedback).count(), 1, "their own mark");
    let own = reflections::of_enrolment(pool, SITE, enrolment(1), &student).await.expect("a query");
    assert_eq!(own.iter().map(|item| item.outcome).collect::<Vec<_>>(), [Some(Outcome::Fail), None]);
    let stranger = class.reader(person(4)).await;
    assert_eq!(read(&stranger, None).await, []);
}

#[tokio::test]
async fn the_audit_trail_answers_who_when_whom_from_to_and_why() {
    use AuditAction::{Advanced, CohortScheduled, CohortStarted, Enrolled, MarkerAppointed, Withdrawn};
    let mut class = Class::open().await;
    let reason = || Some(Personal::from("caught up"));
    let advanced =
        EnrolmentEvent::Progression(ProgressionEvent::StudentAdvanced { from_week: 1, to_week: 2, reason: reason() });
    class.happens(enrolment(1), advanced).await;
    class.happens(person(4), PersonEvent::RoleGranted { role: Role::Admin, bootstrapped: false }).await;
    class.settles().await;
    let pool = class.pool();
    let list =
        async |filter: AuditFilter| whole(async |page| audit_trail::list(pool, SITE, &filter, &page).await).await;

    let all = list(AuditFilter::default()).await;
    assert!(all.is_sorted_by_key(|item| item.position));
    let found = list(AuditFilter { action: Some(AuditAction::Advanced), ..AuditFilter::default() }).await.remove(0);
    assert_eq!((found.from_week, found.to_week, found.reason.clone()), (Some(1), Some(2), reason()));
    assert_eq!(found.actor.as_ref().map(|actor| actor.name.as_str()), Some("Teresa Teacher"));
    assert_eq!((found.subject.name.as_str(), found.subject.cohort_id), ("Béla", Some(id(COHORT))));

    let of_cohort = list(AuditFilter { cohort_id: Some(id(COHORT)), ..AuditFilter::default() }).await;
    let actions: Vec<_> = of_cohort.iter().map(|item| item.action).collect();
    let expected =
        [CohortScheduled, CohortStarted, MarkerAppointed, Enrolled, Enrolled, Enrolled, Enrolled, Withdrawn, Advanced];
    assert_eq!(actions, expected);
    assert_eq!(of_cohort[0].subject.name.as_str(), "Kererū");
    let of_person = list(AuditFilter { person_id: Some(person(1)), ..AuditFilter::default() }).await;
    assert_eq!(of_person.iter().map(|item| item.action).collect::<Vec<_>>(), [Enrolled, Advanced]);
    let of_enrolment = list(AuditFilter { enrolment_id: Some(enrolment(3)), ..AuditFilter::default() }).await;
    assert_eq!(of_enrolment.iter().map(|item| item.action).collect::<Vec<_>>(), [Enrolled, Withdrawn]);
    assert_eq!(list(AuditFilter { actor_id: Some(id(TEACHER)), ..AuditFilter::default() }).await, all);
    assert_eq!(list(AuditFilter { actor_id: Some(person(0)), ..AuditFilter::default() }).await, []);
    let between = AuditFilter { from: Some(found.at), to: Some(all[all.len() - 1].at), ..AuditFilter::default() };
    assert_eq!(list(between).await, [found]);
}

#[tokio::test]
async fn a_reader_has_what_roles_and_appointments_give_until_they_end() {
    let mut class = Class::open().await;
    let (cohort, hub) = (id::<CohortId>(COHORT), id::<HubId>(HUBS[0]));
    class.happens(cohort, CohortEvent::InstructorAppointed { person_id: person(4), lead: false }).await;
    class.happens(hub, HubEvent::CoordinatorAppointed { person_id: person(4) }).await;
    class.happens(person(4), PersonEvent::RoleGranted { role: Role::Admin, bootstrapped: false }).await;
    class.settles().await;
    let before = class.reader(person(4)).await;
    assert_eq!((before.admin, before.instructs, before.coordinates), (true, [cohort].into(), [hub].into()));
    assert_eq!(class.reader(id(TEACHER)).await.marks, [cohort].into());
    let student = class.reader(person(3)).await;
    assert_eq!(student.enrolments.iter().map(|own| own.status).collect::<Vec<_>>(), [EnrolmentStatus::Withdrawn]);

    class.happens(cohort, CohortEvent::InstructorDismissed { person_id: person(4) }).await;
    class.happens(hub, HubEvent::CoordinatorDismissed { person_id: person(4) }).await;
    class.happens(person(4), PersonEvent::RoleRevoked { role: Role::Admin }).await;
    class.happens(person(3), PersonEvent::PersonDeactivated { reason: "left".into() }).await;
    class.settles().await;
    let after = class.reader(person(4)).await;
    assert!(!after.admin && after.instructs.is_empty() && after.coordinates.is_empty());
    assert!(reader(class.pool(), SITE, person(3)).await.expect("a query").is_none(), "who may not act reads nothing");
}

#[tokio::test]
async fn nothing_is_seen_from_another_site() {
    let mut class = Class::open().await;
    class.reflects(0, 1, Visibility::Cohort).await;
    class
        .happens(
            enrolment(0),
            EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagRaised { flag: 1, missed_weeks: [1].into() }),
        )
        .await;
    class.settles().await;
    let (pool, cohort, page) = (class.pool(), id::<CohortId>(COHORT), Page::default());
    let admin = Reader { admin: true, ..class.reader(person(0)).await };
    let site = OTHER_SITE;
    let roster = RosterFilter::all(RosterScope::Whole);

    assert_eq!(people::list(pool, site, &page).await.expect("a query").items, []);
    assert_eq!(people::get(pool, site, person(0)).await.expect("a query"), None);
    assert_eq!(people::by_email(pool, site, "student0@example.org").await.expect("a query"), None);
    assert_eq!(modules::list(pool, site, &page).await.expect("a query").items, []);
    assert_eq!(modules::get(pool, site, id(MODULE)).await.expect("a query"), None);
    assert_eq!(cohorts::list(pool, site, &CohortFilter::default(), &page).await.expect("a query").items, []);
    assert_eq!(cohorts::get(pool, site, cohort).await.expect("a query"), None);
    assert_eq!(hubs::list(pool, site, None, &page).await.expect("a query").items, []);
    assert_eq!(hubs::get(pool, site, id(HUBS[0])).await.expect("a query"), None);
    assert_eq!(roster::list(pool, site, cohort, &roster, &page).await.expect("a query").items, []);
    assert_eq!(hub_roster::list(pool, site, id(HUBS[0]), &page).await.expect("a query").items, []);
    assert_eq!(record::get(pool, site, enrolment(0)).await.expect("a query"), None);
    assert_eq!(register::list(pool, site, cohort, 1, &roster.scope, &page).await.expect("a query").items, []);
    assert_eq!(advancement::list(pool, site, cohort, 2, &page).await.expect("a query").items, []);
    assert_eq!(absence_flags::list(pool, site, cohort, &roster.scope, &page).await.expect("a query").items, []);
    assert_eq!(absence_flags::of_enrolment(pool, site, enrolment(0)).await.expect("a query"), []);
    assert_eq!(marking_queue::list(pool, site, &QueueFilter::default(), &page).await.expect("a query").items, []);
    assert_eq!(reflections::of_cohort(pool, site, cohort, None, &admin, &page).await.expect("a query").items, []);
    assert_eq!(reflections::of_enrolment(pool, site, enrolment(0), &admin).await.expect("a query"), []);
    assert_eq!(audit_trail::list(pool, site, &AuditFilter::default(), &page).await.expect("a query").items, []);
    assert!(reader(pool, site, person(0)).await.expect("a query").is_none());
}
