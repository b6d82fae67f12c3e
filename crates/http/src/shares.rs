//! What all sites share and each takes only so much of at a time: work that takes much memory or time goes on in turns, the
//! sites one after the other (see [`rollbook_turns`]), and what stays open has a number for each person.

use std::time::Duration;

use rollbook_domain::{PersonId, SiteId};
use rollbook_turns::{Bounds, Busy, Turn, Turns};

use crate::at_once::{AtOnce, OneOf};
use crate::problem::ApiError;
use crate::written::Written;

/// Files of rosters and registers: read and decided, one takes up to 140 MiB.
const IMPORTS: Bounds = Bounds { at_once: 2, waiting: 16, waiting_of_site: 4, patience: Duration::from_mins(1) };

/// What is folded from the log when it is asked for, event by event: the past, and explanations.
const FOLDS: Bounds = Bounds { at_once: 2, waiting: 64, waiting_of_site: 16, patience: Duration::from_secs(10) };

/// The most subscriptions to the log of one person: their browser tabs, or their programs.
const SUBSCRIPTIONS: usize = 8;

/// What is shared.
#[derive(Debug)]
pub struct Shares {
    imports: Turns,
    folds: Turns,
    /// What people write.
    pub written: Written,
    subscriptions: AtOnce<(SiteId, PersonId)>,
}

/// Somebody's subscription, for as long as this lives.
pub type Subscribed = OneOf<(SiteId, PersonId)>;

impl Default for Shares {
    fn default() -> Self {
        Self {
            imports: Turns::new(IMPORTS),
            folds: Turns::new(FOLDS),
            written: Written::default(),
            subscriptions: AtOnce::default(),
        }
    }
}

impl Shares {
    /// Waits until it is the site's turn to read an imported file and decide on its rows.
    pub async fn importing(&self, site: SiteId) -> Result<Turn, ApiError> {
        self.imports.turn(site).await.map_err(|Busy| ApiError::Overloaded)
    }

    /// Waits until it is the site's turn to fold what is asked for.
    pub async fn folding(&self, site: SiteId) -> Result<Turn, ApiError> {
        self.folds.turn(site).await.map_err(|Busy| ApiError::Overloaded)
    }

    /// One more subscription of a person; none where they have as many as they may.
    pub fn subscribe(&self, site: SiteId, person: PersonId) -> Option<Subscribed> {
        self.subscriptions.count((site, person), SUBSCRIPTIONS)
    }
}
