//! Says how far long work is: a bar on a terminal, plain lines elsewhere. All of it on stderr.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

use crate::output;

/// How far something is.
#[derive(Clone, Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins work of so many steps.
    pub fn start(steps: u64) -> Self {
        let bar = stderr().is_terminal().then(|| {
            // The template is a constant: it is either right or shows the default bar.
            let style = ProgressStyle::with_template("{bar:30.cyan/blue} {percent:>3} %  {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            // Whatever ends the work, no half bar stays.
            ProgressBar::new(steps).with_style(style).with_finish(ProgressFinish::AndClear)
        });
        Self { bar }
    }

    /// Says what is being done, where there is a bar to say it beside.
    pub fn doing(&self, what: impl Into<String>) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.into());
        }
    }

    /// Says how far it is now.
    pub fn at(&self, step: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(step);
        }
    }

    /// Corrects how far there is to go.
    pub fn of(&self, steps: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(steps);
        }
    }

    /// One line that stays.
    pub fn line(&self, text: impl AsRef<str>) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::say(text.as_ref())),
            None => output::say(text.as_ref()),
        }
    }

    /// One line where there is no bar that says the same.
    pub fn plain_line(&self, text: impl AsRef<str>) {
        if self.bar.is_none() {
            output::say(text.as_ref());
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// How often a line says how far long work is, where there is no bar.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// How fast work goes.
#[derive(Clone, Debug)]
pub struct Rate {
    began: Instant,
    said: Instant,
}

impl Rate {
    /// Begins now.
    pub fn start() -> Self {
        let now = Instant::now();
        Self { began: now, said: now }
    }

    /// `250000 of 1000000 events, 410000/s, 2 s left`; no rate before there is one.
    pub fn of(&self, done: u64, of: u64) -> String {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let so_far = format!("{done} of {of} events");
        match done.saturating_mul(1_000).checked_div(millis) {
            None | Some(0) => so_far,
            Some(rate) => format!("{so_far}, {rate}/s, {} s left", of.saturating_sub(done).div_ceil(rate)),
        }
    }

    /// Whether the last line is long enough ago; it then counts as said.
    pub fn is_time_for_a_line(&mut self) -> bool {
        let due = self.said.elapsed() >= LINE_EVERY;
        if due {
            self.said = Instant::now();
        }
        due
    }
}
