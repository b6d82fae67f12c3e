//! The service killed under load: alone, and one of three.

use nix::sys::signal::{Signal, kill};
use rand::RngExt;
use rollbook_torture::check::check;
use rollbook_torture::load::School;
use serde_json::json;

use super::scene::{Burden, Process, random, sender, serve, status_at, token};
use crate::binary::program::Home;
use crate::harness::{Database, client};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_acknowledged_survives_its_kills() {
    let (home, database, mut random) = (Home::new(), Database::create().await, random());
    let url = Some(database.url.as_str());
    let mut process = serve(&home, url, None);
    let mut burden = Burden::on(&home.folder, vec![process.url.clone()], token(&home, url), &mut random).await;
    for _ in 0..3 {
        burden.moment(&mut random).await;
        let address = process.url.clone();
        assert_eq!(process.running.end(Signal::SIGKILL).signal, Some(9));
        process = serve(&home, url, Some(&address));
    }
    burden.more(30).await;
    burden.everything_is_there(&database.url).await;
    process.running.end(Signal::SIGTERM).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_processes_one_is_killed_and_the_others_take_over() {
    let (home, database, mut random) = (Home::new(), Database::create().await, random());
    let url = Some(database.url.as_str());
    let mut processes: Vec<_> = (0..3).map(|_| serve(&home, url, None)).collect();
    // A row of the audit trail is written when its event is folded and never again: twice is once too often.
    for sql in [
        "create table folded (position bigint)",
        "create function folded() returns trigger language plpgsql as
            $$ begin insert into folded values (new.position); return new; end $$",
        "create trigger folded after insert or update on audit_trail for each row execute function folded()",
    ] {
        sqlx::query(sql).execute(&database.pool).await.expect(sql);
    }
    let before: i64 =
        sqlx::query_scalar("select count(*) from audit_trail").fetch_one(&database.pool).await.expect("a count");
    let urls = processes.iter().map(|process| process.url.clone()).collect();
    let token = token(&home, url);
    let mut burden = Burden::on(&home.folder, urls, token.clone(), &mut random).await;
    burden.moment(&mut random).await;
    let killed = processes.swap_remove(random.random_range(0..3));
    let address = killed.url.clone();
    assert_eq!(killed.running.end(Signal::SIGKILL).signal, Some(9));
    // Whatever has been appended by now, the others come to it while a reader waits.
    let head = database.store().head().await.expect("a head");
    for process in &processes {
        assert_eq!(status_at(&client(), &process.url, &token, head).await, 200);
    }
    processes.push(serve(&home, url, Some(&address)));
    burden.more(60).await;
    burden.everything_is_there(&database.url).await;
    let sql = "select count(*), count(distinct position), (select count(*) from audit_trail) from folded";
    let (times, positions, rows): (i64, i64, i64) =
        sqlx::query_as(sql).fetch_one(&database.pool).await.expect("the count");
    assert_eq!((times, positions), (rows - before, rows - before), "every event is folded once");
    for process in processes {
        process.running.end(Signal::SIGTERM).done();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_suspended_does_not_write_what_it_remembers() {
    let (home, database, mut random) = (Home::new(), Database::create().await, random());
    let url = Some(database.url.as_str());
    let [one, other] = [serve(&home, url, None), serve(&home, url, None)];
    let token = token(&home, url);
    let by = |process: &Process<'_>| sender(&home.folder, &process.url, &token);
    let school = School::open(&by(&one), &mut random).await.expect("a school");
    let person = json!({"name": "Sione", "email": "sione@example.org"});
    let person = by(&one).must(&mut random, "RegisterPerson", &person).await.expect("a person");
    let body = json!({"cohort_id": school.cohorts[0], "person_id": person["streams"][0]["id"]});
    let enrolled = by(&one).must(&mut random, "EnrolStudent", &body).await.expect("an enrolment");
    let mark = |week: u8| json!({"enrolment_id": enrolled["streams"][0]["id"], "week": week, "status": "present"});
    let mut last = json!(null);
    for week in 1..=2 {
        last = by(&one).must(&mut random, "MarkAttendance", &mark(week)).await.expect("a mark");
    }
    let position = |receipt: &serde_json::Value| receipt["position"].as_i64().expect("a position");
    assert_eq!(status_at(&client(), &one.url, &token, position(&last)).await, 200);

    // It hears nothing of what another process does meanwhile.
    kill(one.running.pid(), Signal::SIGSTOP).expect("it runs");
    let deaf = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and query = 'listen rollbook_events'";
    let _: i64 = sqlx::query_scalar(deaf).fetch_one(&database.pool).await.expect("the connections are cut");
    last = by(&other).must(&mut random, "MarkAttendance", &mark(3)).await.expect("a mark");
    assert_eq!(status_at(&client(), &other.url, &token, position(&last)).await, 200);
    other.running.end(Signal::SIGTERM).done();
    kill(one.running.pid(), Signal::SIGCONT).expect("it is there");
    assert_eq!(status_at(&client(), &one.url, &token, position(&last)).await, 200);
    last = by(&one).must(&mut random, "MarkAttendance", &mark(4)).await.expect("a mark");
    assert_eq!(status_at(&client(), &one.url, &token, position(&last)).await, 200);
    let report = check(&database.url, &[]).await.expect("a report");
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
    one.running.end(Signal::SIGTERM).done();
}
