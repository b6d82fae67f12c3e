//! What all sites share and each takes only so much of at a time: work that takes much memory or time goes on in turns, the
//! sites one after the other (see [`rollbook_turns`]), and what stays open has a number for each person.

use std::time::Duration;

use rollbook_domain::{PersonId, SiteId};
use rollbook_turns::{Bounds, Turns};

use crate::at_once::{AtOnce, OneOf};

/// Files of rosters and registers: read and decided, one takes up to 140 MiB.
const IMPORTS: Bounds = Bounds { at_once: 2, waiting: 16, waiting_of_site: 4, patience: Duration::from_secs(60) };

/// The most subscriptions to the log of one person: their browser tabs, or their programs.
const SUBSCRIPTIONS: usize = 8;

/// What is shared.
#[derive(Debug)]
pub struct Shares {
    /// Reading and deciding imported files.
    pub imports: Turns,
    subscriptions: AtOnce<(SiteId, PersonId)>,
}

/// Somebody's subscription, for as long as this lives.
pub type Subscribed = OneOf<(SiteId, PersonId)>;

impl Default for Shares {
    fn default() -> Self {
        Self { imports: Turns::new(IMPORTS), subscriptions: AtOnce::default() }
    }
}

impl Shares {
    /// One more subscription of a person; none where they have as many as they may.
    pub fn subscribe(&self, site: SiteId, person: PersonId) -> Option<Subscribed> {
        self.subscriptions.count((site, person), SUBSCRIPTIONS)
    }
}
