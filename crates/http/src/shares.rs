//! What all sites share and each takes only so much of at a time: work that takes much memory or time goes on in turns, the
//! sites one after the other (see [`rollbook_turns`]), and what stays open has a number for each person.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::{Stream, StreamExt};
use governor::Quota;
use rollbook_domain::{PersonId, SiteId};
use rollbook_turns::{Bounds, Busy, Turn, Turns};

use crate::at_once::{AtOnce, OneOf};
use crate::health::{Ready, Watched};
use crate::limits::Rate;
use crate::meter::{Meter, Meters};
use crate::problem::ApiError;
use crate::room::Room;
use crate::written::Written;

/// Files of rosters and registers: read and decided, one takes up to 140 MiB, and a processor for a second.
const IMPORTS: Bounds = Bounds { at_once: 1, waiting: 16, waiting_of_site: 4, patience: Duration::from_mins(1) };

/// How long somebody waits who does too much at once.
const A_MOMENT: Duration = Duration::from_secs(5);

/// The most subscriptions to the log of one person: their browser tabs, or their programs.
const SUBSCRIPTIONS: usize = 8;

/// The most files that one person, and one site, uploads at once: each takes up to 50 MiB of a disk before it is looked at.
const UPLOADS_OF_PERSON: usize = 4;
const UPLOADS_OF_SITE: usize = 16;

/// How many bytes a second of files one site, and all of them, have written down: the disk has the log to write, which
/// everybody waits for.
const UPLOADED_OF_SITE: u32 = 16 << 20;
const UPLOADED_OF_ALL: u32 = 32 << 20;

/// How often a person signs in, an hour: each time the log, the sessions and the devices grow.
const SIGN_INS: NonZeroU32 = NonZeroU32::new(100).expect("not zero");

/// What is shared.
#[derive(Debug)]
pub struct Shares {
    imports: Turns,
    /// What people write.
    pub written: Written,
    /// Whether the service can serve.
    pub readiness: Watched<Ready>,
    /// The metrics as Prometheus reads them.
    pub metrics: Watched<Bytes>,
    /// Whether there is room left to write to.
    pub room: Room,
    /// How often people sign in.
    pub sign_ins: Rate<(SiteId, PersonId)>,
    subscriptions: AtOnce<(SiteId, PersonId)>,
    uploads: AtOnce<(SiteId, Option<PersonId>)>,
    uploaded: Meters<SiteId, Meter>,
    uploaded_of_all: Arc<Meter>,
}

/// Somebody's subscription, for as long as this lives.
pub type Subscribed = OneOf<(SiteId, PersonId)>;

/// A file that somebody uploads, for as long as this lives.
#[derive(Debug)]
pub struct Uploading {
    of_site: Arc<Meter>,
    of_all: Arc<Meter>,
    _shares: [OneOf<(SiteId, Option<PersonId>)>; 2],
}

impl Uploading {
    /// The body of a file, as fast as it is to be written down: the client waits with what it sends.
    pub fn paced(&self, body: Body) -> impl Stream<Item = Result<Bytes, axum::Error>> {
        body.into_data_stream().then(async |piece| {
            if let Ok(piece) = &piece {
                let of = |a_second: u32| Duration::from_secs(piece.len() as u64) / a_second;
                self.of_site.take(of(UPLOADED_OF_SITE));
                self.of_all.take(of(UPLOADED_OF_ALL));
                self.of_site.rest().await;
                self.of_all.rest().await;
            }
            piece
        })
    }
}

impl Shares {
    /// Nothing is taken yet.
    pub fn new(room: Room) -> Self {
        Self {
            imports: Turns::new(IMPORTS),
            written: Written::default(),
            readiness: Watched::default(),
            metrics: Watched::default(),
            room,
            sign_ins: Rate::new(Quota::per_hour(SIGN_INS)),
            subscriptions: AtOnce::default(),
            uploads: AtOnce::default(),
            uploaded: Meters::default(),
            uploaded_of_all: Arc::default(),
        }
    }

    /// Waits until it is the site's turn to read an imported file and decide on its rows.
    pub async fn importing(&self, site: SiteId) -> Result<Turn, ApiError> {
        self.imports.turn(site).await.map_err(|Busy| ApiError::Overloaded)
    }

    /// One more file that a person uploads, if they and their site may.
    pub fn uploading(&self, site: SiteId, person: PersonId) -> Result<Uploading, ApiError> {
        let one = |who, at_most| {
            let one = self.uploads.count((site, who), at_most);
            one.ok_or(ApiError::TooManyRequests { wait: A_MOMENT })
        };
        let (of_site, of_all) = (self.uploaded.of(site), Arc::clone(&self.uploaded_of_all));
        Ok(Uploading { of_site, of_all, _shares: [one(Some(person), UPLOADS_OF_PERSON)?, one(None, UPLOADS_OF_SITE)?] })
    }

    /// One more subscription of a person; none where they have as many as they may.
    pub fn subscribe(&self, site: SiteId, person: PersonId) -> Option<Subscribed> {
        self.subscriptions.count((site, person), SUBSCRIPTIONS)
    }
}
