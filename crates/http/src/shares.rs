//! What all sites share and each takes only so much of at a time: work that takes much memory or time goes on in turns, the
//! sites one after the other (see [`rollbook_turns`]), and what stays open has a number for each person.

use std::time::Duration;

use axum::body::Bytes;
use rollbook_domain::{PersonId, SiteId};
use rollbook_turns::{Bounds, Busy, Turn, Turns};

use crate::at_once::{AtOnce, OneOf};
use crate::health::{Ready, Watched};
use crate::problem::ApiError;
use crate::room::Room;
use crate::written::Written;

/// Files of rosters and registers: read and decided, one takes up to 140 MiB.
const IMPORTS: Bounds = Bounds { at_once: 2, waiting: 16, waiting_of_site: 4, patience: Duration::from_mins(1) };

/// What is folded from the log when it is asked for, event by event: the past, and explanations.
const FOLDS: Bounds = Bounds { at_once: 2, waiting: 64, waiting_of_site: 16, patience: Duration::from_secs(10) };

/// How long somebody waits who does too much at once.
const A_MOMENT: Duration = Duration::from_secs(5);

/// The most subscriptions to the log of one person: their browser tabs, or their programs.
const SUBSCRIPTIONS: usize = 8;

/// The most files that one person, and one site, uploads at once: each takes up to 50 MiB of a disk before it is looked at.
const UPLOADS_OF_PERSON: usize = 4;
const UPLOADS_OF_SITE: usize = 16;

/// What is shared.
#[derive(Debug)]
pub struct Shares {
    imports: Turns,
    folds: Turns,
    /// What people write.
    pub written: Written,
    /// Whether the service can serve.
    pub readiness: Watched<Ready>,
    /// The metrics as Prometheus reads them.
    pub metrics: Watched<Bytes>,
    /// Whether there is room left to write to.
    pub room: Room,
    subscriptions: AtOnce<(SiteId, PersonId)>,
    uploads: AtOnce<(SiteId, Option<PersonId>)>,
}

/// Somebody's subscription, for as long as this lives.
pub type Subscribed = OneOf<(SiteId, PersonId)>;

/// A file that somebody uploads, for as long as this lives.
#[derive(Debug)]
pub struct Uploading {
    _shares: [OneOf<(SiteId, Option<PersonId>)>; 2],
}

impl Shares {
    /// Nothing is taken yet.
    pub fn new(room: Room) -> Self {
        Self {
            imports: Turns::new(IMPORTS),
            folds: Turns::new(FOLDS),
            written: Written::default(),
            readiness: Watched::default(),
            metrics: Watched::default(),
            room,
            subscriptions: AtOnce::default(),
            uploads: AtOnce::default(),
        }
    }

    /// Waits until it is the site's turn to read an imported file and decide on its rows.
    pub async fn importing(&self, site: SiteId) -> Result<Turn, ApiError> {
        self.imports.turn(site).await.map_err(|Busy| ApiError::Overloaded)
    }

    /// Waits until it is the site's turn to fold what is asked for.
    pub async fn folding(&self, site: SiteId) -> Result<Turn, ApiError> {
        self.folds.turn(site).await.map_err(|Busy| ApiError::Overloaded)
    }

    /// One more file that a person uploads, if they and their site may.
    pub fn uploading(&self, site: SiteId, person: PersonId) -> Result<Uploading, ApiError> {
        let one = |who, at_most| {
            let one = self.uploads.count((site, who), at_most);
            one.ok_or(ApiError::TooManyRequests { wait: A_MOMENT })
        };
        Ok(Uploading { _shares: [one(Some(person), UPLOADS_OF_PERSON)?, one(None, UPLOADS_OF_SITE)?] })
    }

    /// One more subscription of a person; none where they have as many as they may.
    pub fn subscribe(&self, site: SiteId, person: PersonId) -> Option<Subscribed> {
        self.subscriptions.count((site, person), SUBSCRIPTIONS)
    }
}
