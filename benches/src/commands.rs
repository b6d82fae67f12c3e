//! Commands in process: the same student's term through stock cqrs-es, without and with one view, and through our executor
//! with all live projections running.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rollbook_projections::Projections;

use crate::school::{School, Student, TERM, command, term};
use crate::server::Server;
use crate::stock::Stock;
use crate::timing::{Measured, measure, millis};

/// How many callers there are at once.
const CALLERS: [usize; 3] = [1, 16, 64];

/// Prints the table.
pub async fn run(server: &Server, length: Duration) {
    println!("commands in process ({} s each; a term is {TERM} commands of one student)", length.as_secs());
    println!("{:28} {:>8} {:>12} {:>9} {:>9} {:>9}", "", "callers", "commands/s", "p50 ms", "p99 ms", "× stock");
    for callers in CALLERS {
        let plain = stock(server, callers, length, false).await;
        line("stock, no view", callers, &plain, None);
        let viewed = stock(server, callers, length, true).await;
        line("stock, one view", callers, &viewed, None);
        let (ours, behind) = ours(server, callers, length).await;
        line("rollbook, all models live", callers, &ours, Some(ours.rate / viewed.rate));
        println!("{:28} the models had the last event {} ms after it was appended", "", millis(behind));
    }
    println!();
}

fn line(what: &str, callers: usize, measured: &Measured, ratio: Option<f64>) {
    let Measured { rate, p50, p99 } = measured;
    let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.1}"));
    println!("{what:28} {callers:>8} {rate:>12.0} {:>9} {:>9} {ratio:>9}", millis(*p50), millis(*p99));
}

/// Hands out the steps of the students' terms: each caller takes a student and stays until the term is over.
pub struct Terms {
    students: Vec<Student>,
    next: AtomicUsize,
}

/// Where a caller is.
#[derive(Clone)]
pub struct Place {
    terms: Arc<Terms>,
    student: Student,
    nth: usize,
}

impl Terms {
    /// Callers at the beginning of their first student's term.
    pub fn callers(students: Vec<Student>, callers: usize) -> Vec<Place> {
        let terms = Arc::new(Self { students, next: AtomicUsize::new(callers) });
        (0..callers).map(|nth| Place { student: terms.students[nth], terms: terms.clone(), nth: 0 }).collect()
    }
}

impl Place {
    /// The student and the number of the step.
    pub fn step(&self) -> (Student, usize) {
        (self.student, self.nth)
    }

    /// The next step; none when every student's term is over.
    pub fn next(mut self) -> Option<Self> {
        self.nth += 1;
        if self.nth == TERM {
            self.nth = 0;
            self.student = *self.terms.students.get(self.terms.next.fetch_add(1, Ordering::Relaxed))?;
        }
        Some(self)
    }
}

/// As many students as are needed if a caller did so many commands a second.
pub fn students_for(rate: usize, length: Duration, callers: usize) -> usize {
    rate * usize::try_from(length.as_secs()).unwrap_or(1) / TERM + callers + 1
}

async fn stock(server: &Server, callers: usize, length: Duration, view: bool) -> Measured {
    let database = server.database("bench_stock_school", true).await;
    let school = School::open(&database.pool, students_for(4_000, length, callers)).await;
    let stock_database = server.database("bench_stock", false).await;
    let stock = Stock::open(&stock_database.pool, &school, view).await;
    let measured = measure(Terms::callers(school.students.clone(), callers), length, move |place: Place| {
        let stock = stock.clone();
        async move {
            let (student, nth) = place.step();
            stock.step(student, term(student, nth)).await;
            place.next()
        }
    })
    .await;
    stock_database.pool.close().await;
    database.pool.close().await;
    measured
}

async fn ours(server: &Server, callers: usize, length: Duration) -> (Measured, Duration) {
    let database = server.database("bench_ours", true).await;
    let school = School::open(&database.pool, students_for(20_000, length, callers)).await;
    let projections = Projections::start(school.executor.store().clone());
    let head = school.executor.store().head().await.expect("the head");
    projections.wait_for(head, Duration::from_mins(10)).await.expect("the models catch up");
    let students = school.students.clone();
    let executing = school.clone();
    let measured = measure(Terms::callers(students, callers), length, move |place: Place| {
        let school = executing.clone();
        async move {
            let (student, nth) = place.step();
            let step = term(student, nth);
            school.execute(step.by.unwrap_or(school.owner), command(step.name, step.body)).await;
            place.next()
        }
    })
    .await;
    let ended = Instant::now();
    let head = school.executor.store().head().await.expect("the head");
    projections.wait_for(head, Duration::from_mins(10)).await.expect("the models catch up");
    let behind = ended.elapsed();
    projections.stop().await;
    database.pool.close().await;
    (measured, behind)
}
