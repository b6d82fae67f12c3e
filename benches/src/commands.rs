//! Commands in process: the same student's term through stock cqrs-es, without and with one view, and through our executor
//! with all live projections running.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rollbook_projections::Projections;
use rollbook_store::Position;

use crate::cpu::CPU_EACH;
use crate::school::{School, Student, TERM, command, term};
use crate::server::Server;
use crate::statements;
use crate::stock::Stock;
use crate::timing::{Measured, measure, millis};

/// How many callers there are at once.
const CALLERS: [usize; 3] = [1, 16, 64];

/// Prints the table.
pub async fn run(server: &Server, length: Duration) {
    println!("commands in process ({} s each; a term is {TERM} commands of one student)", length.as_secs());
    println!(
        "{:28} {:>8} {:>12} {:>9} {:>9} {:>9}   {CPU_EACH:>14} {:>9}",
        "", "callers", "commands/s", "p50 ms", "p99 ms", "× stock", "× stock"
    );
    for callers in CALLERS {
        let plain = stock(server, callers, length, false).await;
        line("stock, no view", callers, &plain, None);
        let viewed = stock(server, callers, length, true).await;
        line("stock, one view", callers, &viewed, None);
        let (ours, lag) = ours(server, callers, length).await;
        line("rollbook, all models live", callers, &ours, Some(&viewed));
        println!(
            "{:28} projection lag: p50 {} ms, p99 {} ms, at most {} ms",
            "",
            millis(lag.0),
            millis(lag.1),
            millis(lag.2)
        );
    }
    println!();
}

fn line(what: &str, callers: usize, measured: &Measured, than: Option<&Measured>) {
    let Measured { rate, p50, p99, cpu } = measured;
    let ratio = |ratio: Option<f64>| ratio.map_or_else(String::new, |ratio| format!("{ratio:.1}"));
    let faster = ratio(than.map(|than| rate / than.rate));
    let thriftier = ratio(than.map(|than| cpu.times(than.cpu)));
    let (p50, p99) = (millis(*p50), millis(*p99));
    println!("{what:28} {callers:>8} {rate:>12.0} {p50:>9} {p99:>9} {faster:>9}   {cpu:>14} {thriftier:>9}");
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

/// Plays the students' terms, with so many callers and at most for so long.
pub async fn play(school: School, callers: usize, length: Duration) -> Measured {
    measure(Terms::callers(school.students.clone(), callers), length, move |place: Place| {
        let school = school.clone();
        async move {
            let (student, nth) = place.step();
            let step = term(student, nth);
            school.execute(step.by.unwrap_or(school.owner), command(step.name, step.body)).await;
            place.next()
        }
    })
    .await
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

/// How long after a command's answer all models have its events: half of them, all but one of a hundred, all.
type Lag = (Duration, Duration, Duration);

async fn ours(server: &Server, callers: usize, length: Duration) -> (Measured, Lag) {
    let database = server.database("bench_ours", true).await;
    let school = School::open(&database.pool, students_for(20_000, length, callers)).await;
    let projections = Projections::start(school.executor.store().clone());
    let head = school.executor.store().head().await.expect("the head");
    projections.wait_for(head, Duration::from_mins(10)).await.expect("the models catch up");
    let students = school.students.clone();
    let executing = school.clone();
    let answered = Arc::new(Mutex::new(Vec::new()));
    let (answers, watch) = (answered.clone(), Watch::default());
    let looking = tokio::spawn(watch.clone().look(projections.clone()));
    statements::reset(server).await;
    let measured = measure(Terms::callers(students, callers), length, move |place: Place| {
        let (school, answers) = (executing.clone(), answers.clone());
        async move {
            let (student, nth) = place.step();
            let step = term(student, nth);
            let receipt = school.execute(step.by.unwrap_or(school.owner), command(step.name, step.body)).await;
            answers.lock().expect("nobody panicked").push((Instant::now(), receipt.position));
            place.next()
        }
    })
    .await;
    statements::print(server).await;
    let answered = std::mem::take(&mut *answered.lock().expect("nobody panicked"));
    let last = answered.iter().map(|(_, position)| *position).max().unwrap_or(0);
    while projections.position() < last {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(5)).await;
    looking.abort();
    let lag = watch.lag(answered);
    projections.stop().await;
    database.pool.close().await;
    (measured, lag)
}

/// When the models came to which position, looked at every millisecond and without asking them to hurry.
#[derive(Clone, Default)]
struct Watch(Arc<Mutex<Vec<(Instant, Position)>>>);

impl Watch {
    async fn look(self, projections: Projections) {
        let mut every = tokio::time::interval(Duration::from_millis(1));
        loop {
            every.tick().await;
            let position = projections.position();
            let mut seen = self.0.lock().expect("nobody panicked");
            if seen.last().is_none_or(|(_, last)| *last < position) {
                seen.push((Instant::now(), position));
            }
        }
    }

    fn lag(&self, answered: Vec<(Instant, Position)>) -> Lag {
        let seen = self.0.lock().expect("nobody panicked");
        let lags = answered.into_iter().map(|(at, position)| {
            let reached = seen.partition_point(|(_, reached)| *reached < position);
            seen.get(reached).map_or(Duration::MAX, |(when, _)| when.saturating_duration_since(at))
        });
        let mut lags: Vec<Duration> = lags.collect();
        lags.sort_unstable();
        let part = |percent: usize| lags.get(lags.len() * percent / 100).or(lags.last()).copied().unwrap_or_default();
        (part(50), part(99), part(100))
    }
}
