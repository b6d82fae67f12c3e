//! Says how far long work is: a bar on a terminal, plain lines elsewhere. All of it on stderr.

use std::io::{IsTerminal, stderr};

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
