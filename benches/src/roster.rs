//! Reading: the roster of 70 and of 1,000 students over HTTP, against pgbench asking the database for the same rows.

use std::time::Duration;

use crate::commands::play;
use crate::cpu::CPU_EACH;
use crate::http::{Client, Running, token, transactions};
use crate::school::School;
use crate::server::Server;
use crate::statements;
use crate::timing::{Measured, measure, millis};

/// The cohorts that are read, beside many others as there are in a school after some years.
const SIZES: [usize; 2] = [70, 1_000];
const OTHERS: usize = 100;
const CONNECTIONS: [usize; 2] = [1, 8];

/// Prints the table.
pub async fn run(server: &Server, length: Duration) {
    let database = server.database("bench_roster", true).await;
    let mut cohorts = SIZES.to_vec();
    cohorts.extend([70; OTHERS]);
    let school = School::with(&database.pool, &cohorts).await;
    let running = Running::start(&school).await;
    play(school.clone(), 64, Duration::MAX).await;
    running.caught_up(&school).await;
    sqlx::raw_sql("vacuum analyze").execute(&database.pool).await.expect("the tables are analysed");
    println!(
        "the roster over HTTP, of a school of {} students with {} s each",
        school.students.len(),
        length.as_secs()
    );
    println!(
        "{:28} {:>8} {:>12} {:>9} {:>9} {:>9}   {CPU_EACH:>14}",
        "", "clients", "per second", "p50 ms", "p99 ms", "ratio"
    );
    let token = token(&school, school.owner).await;
    for (size, cohort) in SIZES.iter().zip(&school.cohorts) {
        for connections in CONNECTIONS {
            let script = format!("{};", bare(&cohort.to_string(), *size));
            let bare = transactions(&database, &script, connections, length);
            let (what, rate) = (format!("bare SQL, {size} rows"), bare.rate);
            let (p50, p99) = (millis(bare.p50), millis(bare.p99));
            println!("{what:28} {connections:>8} {rate:>12.0} {p50:>9} {p99:>9} {:>9}   {:>14}", "", bare.cpu);
            let path = format!("/v1/cohorts/{cohort}/roster?limit=1000");
            let request =
                format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes();
            let mut clients = Vec::new();
            for _ in 0..connections {
                clients.push(Client::connect(&running.address).await);
            }
            statements::reset(server).await;
            let measured = measure(clients, length, move |mut client: Client| {
                let request = request.clone();
                async move {
                    client.ask(&request).await;
                    Some(client)
                }
            })
            .await;
            let Measured { rate, p50, p99, cpu } = measured;
            let (what, p50, p99, ratio) =
                (format!("rollbook, {size} students"), millis(p50), millis(p99), rate / bare.rate);
            println!("{what:28} {connections:>8} {rate:>12.0} {p50:>9} {p99:>9} {ratio:>9.2}   {cpu:>14}");
            statements::print(server).await;
        }
    }
    println!();
    running.stop().await;
    database.pool.close().await;
}

/// The rows that a roster is made of, with the names that it shows, in its order.
fn bare(cohort: &str, size: usize) -> String {
    format!(
        "select r.enrolment_id, r.person_id, coalesce(p.name, '') as name, coalesce(p.email, '') as email, r.hub_id,
            h.name as hub, r.status, r.week, r.held, r.held_reason, r.attendance, r.absences, r.flagged, r.marker_id,
            r.reflections
        from roster r
        left join people p on p.site_id = r.site_id and p.person_id = r.person_id
        left join hubs h on h.site_id = r.site_id and h.hub_id = r.hub_id
        where r.site_id = '00000000-0000-0000-0000-000000000001' and r.cohort_id = '{cohort}'
        order by coalesce(p.name, ''), r.enrolment_id limit {}",
        size + 1
    )
}
