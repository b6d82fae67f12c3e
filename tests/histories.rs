//! Random histories: whatever happened, in whatever order and from however many senders, the rebuilt tables equal the live
//! ones, positions are gapless and streams contiguous.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};
use sqlx::Row;

use crate::school::{AFTER, School, Student};

/// Every table of a read model, row by row.
async fn tables(school: &School) -> BTreeMap<String, Vec<Value>> {
    let pool = &school.service.database.pool;
    let names: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.tables
         where table_schema = 'public' and table_type = 'BASE TABLE'
           and table_name not in ('events', 'claims', 'commands', 'tokens', 'projections', '_sqlx_migrations')",
    )
    .fetch_all(pool)
    .await
    .expect("the tables' names");
    let mut tables = BTreeMap::new();
    for name in names {
        let rows = sqlx::query(&format!("select to_jsonb(t) as row from {name} t order by 1"))
            .fetch_all(pool)
            .await
            .expect("the table's rows");
        tables.insert(name, rows.iter().map(|row| row.get("row")).collect());
    }
    tables
}

async fn caught_up(school: &School) -> i64 {
    let head = school.service.executor.store().head().await.expect("the head");
    school.service.projections.wait_for(head, Duration::from_mins(1)).await.expect("the read models catch up");
    head
}

/// A command that somebody might send at any time; many are refused.
fn any_command(
    school: &School,
    students: &[Student],
    second_cohort: &str,
    random: &mut TestRng,
) -> (&'static str, Value) {
    let mut below = |n: u32| random.next_u32() % n;
    let student = &students[below(u32::try_from(students.len()).expect("a count")) as usize];
    let id = &student.enrolment;
    let week = below(8) + 1;
    let status = ["present", "absent", "absent", "late", "excused"][below(5) as usize];
    let text = format!("Thought {} – “quoted”, ünïcödé, 日本語.", below(1000));
    match below(21) {
        0..=6 => ("MarkAttendance", json!({"enrolment_id": id, "week": week, "status": status, "note": text})),
        7 => ("ResolveAbsenceFlag", json!({"enrolment_id": id, "reason": text})),
        8 => ("AdvanceStudent", json!({"enrolment_id": id, "to_week": week, "reason": text})),
        9 => ("HoldStudent", json!({"enrolment_id": id, "reason": text})),
        10 => ("ReleaseStudent", json!({"enrolment_id": id})),
        11 => ("SetWeek", json!({"enrolment_id": id, "week": week, "reason": text})),
        12 => ("AdvanceCohort", json!({"cohort_id": school.cohort, "to_week": week})),
        13 => ("WithdrawStudent", json!({"enrolment_id": id, "reason": text})),
        14 => ("ReinstateStudent", json!({"enrolment_id": id})),
        15 => (
            "JoinHub",
            json!({"enrolment_id": id, "hub_id": (if below(2) == 0 { &school.north } else { &school.south })}),
        ),
        16 => (
            "MarkReflection",
            json!({"enrolment_id": id, "week": week % 3 + 1, "outcome": (if below(2) == 0 { "pass" } else { "fail" }), "feedback": text}),
        ),
        17 => ("AllocateMarkers", json!({"cohort_id": school.cohort, "rebalance": below(2) == 0})),
        18 => ("CorrectPerson", json!({"person_id": student.person, "name": format!("Renamed {}", below(100))})),
        19 => ("SendWeekEmails", json!({"cohort_id": school.cohort, "week": week % 3 + 1})),
        _ => ("MoveStudent", json!({"enrolment_id": id, "to_cohort_id": second_cohort, "reason": text})),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rebuilt_tables_equal_the_live_ones_after_any_history() {
    for seed in [1_u8, 2] {
        let school = School::with(json!({"capacity": 11})).await;
        school.in_cohort("StartCohort", json!({})).await;
        let second = json!({
            "module_id": school.module, "name": "Tūī", "starts_on": "2026-02-05", "session_start": "18:30",
            "timezone": "Pacific/Auckland", "capacity": 3
        });
        let second = school.service.create(&school.owner, "ScheduleCohort", second).await;
        let students = school.students(10).await;
        school.service.now(AFTER);
        let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        let mut outcomes: BTreeMap<u16, u32> = BTreeMap::new();
        for _ in 0..40 {
            // Eight at once, and students who write at the same time.
            let commands: Vec<_> = (0..8).map(|_| any_command(&school, &students, &second, &mut random)).collect();
            let writer = &students[(random.next_u32() % 10) as usize];
            let token = school.service.token(&writer.person).await;
            let week = random.next_u32() % 3 + 1;
            let reflection = json!({"enrolment_id": writer.enrolment, "week": week, "visibility": "cohort",
                "text": format!("Draft {}", random.next_u32())});
            let written = school.service.send(&token, "SubmitReflection", reflection);
            let sent =
                join_all(commands.into_iter().map(|(name, body)| school.service.send(&school.owner, name, body)));
            let (written, sent) = futures::join!(written, sent);
            for answer in sent.iter().chain([&written]) {
                assert!(matches!(answer.status, 200 | 409 | 422), "{}", answer.text);
                *outcomes.entry(answer.status).or_default() += 1;
            }
        }
        assert!(outcomes[&200] > 100 && outcomes[&409] > 10, "the history is a varied one: {outcomes:?}");

        let head = caught_up(&school).await;
        let log = school.service.executor.store().read(0, 100_000).await.expect("the log");
        assert_eq!(log.iter().map(|event| event.position).collect::<Vec<_>>(), (1..=head).collect::<Vec<_>>());
        let mut sequences = BTreeMap::new();
        for event in &log {
            let sequence = sequences.entry(event.stream).or_insert(0);
            *sequence += 1;
            assert_eq!(event.sequence, *sequence, "{}", event.stream);
        }
        for verification in school.service.projections.verify(None, &mut |_| {}).await.expect("a verification") {
            assert!(verification.differences.is_empty(), "{verification:?}");
            assert_eq!(verification.position, head);
        }
        let live = tables(&school).await;
        assert!(live.values().filter(|rows| !rows.is_empty()).count() >= 8, "{:?}", live.keys());
        school.service.projections.rebuild(None, &mut |_| {}).await.expect("a rebuild");
        let rebuilt = tables(&school).await;
        for (name, rows) in &live {
            assert_eq!(rows, &rebuilt[name], "{name}");
        }
    }
}

#[tokio::test]
async fn tampering_with_a_row_is_found_and_a_rebuild_mends_it() {
    let school = School::open().await;
    let students = school.students(3).await;
    caught_up(&school).await;
    let pool = &school.service.database.pool;
    sqlx::query("update roster set week = 8 where enrolment_id = $1::uuid")
        .bind(&students[1].enrolment)
        .execute(pool)
        .await
        .expect("somebody tampers");
    sqlx::query("delete from people where person_id = $1::uuid")
        .bind(&students[2].person)
        .execute(pool)
        .await
        .expect("somebody tampers");
    let found = school.service.projections.verify(None, &mut |_| {}).await.expect("a verification");
    let differences: Vec<_> = found.iter().flat_map(|v| v.differences.iter().map(|d| (v.name, d))).collect();
    assert_eq!(differences.len(), 2, "{differences:?}");
    let roster = differences.iter().find(|(name, _)| *name == "roster").expect("the roster's").1;
    assert_eq!(roster.live.as_ref().expect("a row")["week"], 8);
    assert_eq!(roster.rebuilt.as_ref().expect("a row")["week"], 1);
    assert!(differences.iter().any(|(name, d)| *name == "people" && d.live.is_none()));
    for name in ["roster", "people"] {
        let rebuilt = school.service.projections.rebuild_accepting_differences(Some(name), &mut |_| {}).await;
        rebuilt.expect("a rebuild");
    }
    let found = school.service.projections.verify(None, &mut |_| {}).await.expect("a verification");
    assert!(found.iter().all(|v| v.differences.is_empty()), "{found:?}");
}

#[tokio::test]
async fn several_engines_on_one_database_fold_every_event_once() {
    let school = School::open().await;
    let others: Vec<_> =
        (0..3).map(|_| rollbook_projections::Projections::start(school.service.database.store())).collect();
    let students = school.students(6).await;
    school.service.now(AFTER);
    for week in 1..=8 {
        join_all(students.iter().map(|student| school.mark(student, week, "absent"))).await;
    }
    let head = caught_up(&school).await;
    for other in &others {
        other.wait_for(head, Duration::from_secs(30)).await.expect("every process hears how far the read models are");
    }
    let found = school.service.projections.verify(None, &mut |_| {}).await.expect("a verification");
    assert!(found.iter().all(|v| v.differences.is_empty()), "{found:?}");
    for other in others {
        other.stop().await;
    }
}
