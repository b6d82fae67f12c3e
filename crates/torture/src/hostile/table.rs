//! What came of it, as one table, and what of it is not as it should be.

use std::time::Duration;

use super::attack::Attack;
use super::attacker::Told;
use super::noise::Noise;
use super::probe::{Figures, quantile};

/// How many times their time when nothing goes on the slowest hundredth of answers may take.
const TIMES_QUIET: u32 = 3;
/// What the slowest hundredth must be faster than in any case.
const SLOWEST: Duration = Duration::from_millis(250);
/// What the service must need less memory than, in bytes.
pub const MOST_MEMORY: u64 = 1 << 30;
/// What the headings are; those that begin with `>` are over numbers.
const HEADINGS: [&str; 16] = [
    "attack",
    ">asked",
    ">p50 ms",
    ">p99 ms",
    ">max ms",
    ">× p99",
    ">5xx",
    ">429",
    ">lost",
    ">sign-in",
    ">health",
    ">MiB",
    ">CPU %",
    ">stolen %",
    ">disk ms",
    "attackers a second, and what they got",
];

/// What the columns mean.
const LEGEND: &str = "\
    asked, times and refusals are another school's; sign-in and health: the slowest, in ms;\n\
    MiB: the service and what it has started, at most;\n\
    CPU, of one core: the service, a private PostgreSQL, the attackers, all else on this machine;\n\
    stolen, of one core: what others of the same host had; disk: the slowest page to be written down\n";

/// A stretch of time, with an attack or without.
#[derive(Clone, Debug)]
pub struct Row {
    /// What went on.
    pub attacks: Vec<Attack>,
    /// How long it was looked at: up to the last answer to others.
    pub watched: Duration,
    /// What became of those who must not be harmed.
    pub figures: Figures,
    /// The most memory of the service and of all that it has started, in bytes.
    pub memory: u64,
    /// How long the processors worked: for the service, for a private PostgreSQL, for the attackers, and for all else.
    pub cpu: [Duration; 4],
    /// What the run could not help.
    pub noise: Noise,
    /// What the attackers got.
    pub told: Told,
}

impl Row {
    /// What it is called.
    pub fn name(&self) -> String {
        match self.attacks.as_slice() {
            [] => "quiet".to_owned(),
            [attack] => attack.name(),
            _ => "all at once".to_owned(),
        }
    }

    fn p99(&self) -> Duration {
        quantile(&self.figures.work, 990)
    }

    /// How many times slower the slowest hundredth was than when nothing went on.
    fn times(&self, quiet: &Self) -> f64 {
        self.p99().as_secs_f64() / quiet.p99().as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// What does not hold that does not depend on time.
    pub fn faults(&self) -> Vec<String> {
        let Figures { failed, refused, lost, wrong, first, .. } = &self.figures;
        let mut faults = Vec::new();
        let counts = [
            (failed, "were answered 5xx"),
            (refused, "were answered 429"),
            (lost, "had no answer"),
            (wrong, "were refused"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| **count > 0) {
            faults.push(format!("{count} requests of others {what}"));
        }
        faults.extend(first.iter().map(|first| format!("the first of them: {first}")));
        if self.memory >= MOST_MEMORY {
            faults.push(format!("the service took {} MiB", self.memory >> 20));
        }
        // Of several that hold each other up, one is enough: each has to have been one by itself.
        let struck = |attack: &Attack| self.told.answers.get(attack).is_some_and(|counts| attack.struck(counts));
        if !self.attacks.is_empty() && !self.attacks.iter().any(struck) {
            faults.push("nobody has attacked at all".to_owned());
        }
        faults
    }

    /// What was too slow.
    pub fn slow(&self, quiet: &Self) -> Vec<String> {
        let mut slow = Vec::new();
        let p99 = self.p99();
        if p99 >= SLOWEST || (!self.attacks.is_empty() && p99 > quiet.p99() * TIMES_QUIET) {
            slow.push(format!("the slowest hundredth took {} ms, which is {:.1} times", ms(p99), self.times(quiet)));
        }
        let health = quantile(&self.figures.health, 990);
        if health >= SLOWEST {
            slow.push(format!("the service said how it is after {} ms", ms(health)));
        }
        slow
    }

    fn cells(&self, quiet: &Self) -> Vec<String> {
        let Figures { work, sign_ins, health, failed, refused, lost, .. } = &self.figures;
        let share = |cpu: Duration| format!("{:.0}", cpu.as_secs_f64() / self.watched.as_secs_f64() * 100.0);
        let cpu = self.cpu.map(share);
        let attacked = Duration::from_millis(self.told.milliseconds.max(1));
        let counts = self.told.counts();
        let got = if self.attacks.is_empty() {
            String::new()
        } else {
            let per_second = Duration::from_secs(counts.total()).as_secs_f64() / attacked.as_secs_f64();
            format!("{per_second:.0}/s: {counts}")
        };
        vec![
            self.name(),
            (work.len() + sign_ins.len() + health.len()).to_string(),
            ms(quantile(work, 500)),
            ms(self.p99()),
            ms(quantile(work, 1_000)),
            format!("{:.1}", self.times(quiet)),
            failed.to_string(),
            refused.to_string(),
            lost.to_string(),
            ms(quantile(sign_ins, 1_000)),
            ms(quantile(health, 1_000)),
            (self.memory >> 20).to_string(),
            cpu.join("/"),
            share(self.noise.stolen),
            ms(self.noise.slowest_write),
            got,
        ]
    }
}

/// Tenths of milliseconds below ten, and whole ones above.
fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1_000.0;
    if ms < 10.0 { format!("{ms:.1}") } else { format!("{ms:.0}") }
}

/// The table, with what its columns mean.
pub fn table(quiet: &Row, rows: &[Row]) -> String {
    let all: Vec<_> = std::iter::once(quiet).chain(rows).map(|row| row.cells(quiet)).collect();
    let headings = HEADINGS.map(|heading| heading.trim_start_matches('>').to_owned()).to_vec();
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| {
            let cells = std::iter::once(&headings).chain(&all).map(|cells| cells[column].chars().count());
            cells.max().unwrap_or_default()
        })
        .collect();
    let mut text = String::new();
    for cells in std::iter::once(&headings).chain(&all) {
        let line = cells.iter().zip(&widths).zip(HEADINGS).map(|((cell, width), heading)| {
            if heading.starts_with('>') { format!("{cell:>width$}") } else { format!("{cell:width$}") }
        });
        text.push_str(line.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text + LEGEND
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(attacks: Vec<Attack>, milliseconds: u64) -> Row {
        let figures = Figures { work: vec![Duration::from_millis(milliseconds); 100], ..Figures::default() };
        let (watched, cpu) = (Duration::from_secs(2), [Duration::from_secs(1); 4]);
        Row { attacks, watched, figures, memory: 100 << 20, cpu, noise: Noise::default(), told: Told::default() }
    }

    fn attacked(milliseconds: u64) -> Row {
        let mut row = row(vec![Attack::Health], milliseconds);
        let answers = super::super::answers::Answers::default();
        answers.count("200");
        row.told.milliseconds = 1_000;
        row.told.answers.insert(Attack::Health, answers.counts());
        row
    }

    #[test]
    fn three_times_as_slow_is_borne_and_more_is_not() {
        let quiet = row(Vec::new(), 20);
        assert_eq!(attacked(60).slow(&quiet), [""; 0]);
        assert_eq!(attacked(61).slow(&quiet).len(), 1);
        assert_eq!(attacked(250).slow(&row(Vec::new(), 100)).len(), 1, "a quarter of a second is too long in any case");
        assert_eq!(row(Vec::new(), 249).slow(&row(Vec::new(), 249)), [""; 0]);
    }

    #[test]
    fn what_is_not_answered_well_is_a_fault_and_so_is_an_attack_that_was_none() {
        assert_eq!(attacked(1).faults(), [""; 0]);
        assert_eq!(row(vec![Attack::Health], 1).faults(), ["nobody has attacked at all"]);
        for change in [
            |row: &mut Row| row.figures.failed = 1,
            |row: &mut Row| row.figures.refused = 1,
            |row: &mut Row| row.figures.lost = 1,
            |row: &mut Row| row.figures.wrong = 1,
            |row: &mut Row| row.memory = MOST_MEMORY,
        ] {
            let mut row = attacked(1);
            change(&mut row);
            assert_eq!(row.faults().len(), 1, "{:?}", row.figures);
        }
    }

    #[test]
    fn the_table_has_a_row_for_each_stretch_of_time_in_columns() {
        let table = table(&row(Vec::new(), 20), &[attacked(60)]);
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[1].starts_with("quiet") && lines[2].starts_with("health"), "{table}");
        assert!(lines[2].ends_with("1/s: 200×1") && lines[2].contains("  3.0  "), "{table}");
    }
}
