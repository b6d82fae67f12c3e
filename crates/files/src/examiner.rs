//! Looks into files that have come in, before anything is kept: what is in them, whether the operator's scanner takes them,
//! and how a picture looks as WebP. What takes much is done in processes apart, few at once, and by turns of the sites.

use std::sync::Arc;
use std::time::Duration;

use rollbook_domain::SiteId;
use rollbook_turns::{Bounds, Busy, Turns};

use crate::contents::{Unfit, check};
use crate::format::{Format, Kind};
use crate::received::{Examined, Received, in_background};
use crate::scan::{Scanner, Verdict};
use crate::worker::PictureWorker;

/// How many files are scanned at once: scanners mostly wait for a daemon.
const SCANS: usize = 2;

/// How many pictures are decoded at once: each takes a processor and up to 384 MiB.
const PICTURES: usize = 1;

/// How many files of one site may wait: whoever has more than an hour's worth of patience sends them again.
const WAITING_OF_SITE: usize = 8;

/// How many files may wait in all; each is a request with a temporary file of up to 50 MiB.
const WAITING: usize = 64;

/// How long one waits: less than a client does for its answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// What looks into files. Cheap to clone: all clones take turns with each other.
#[derive(Clone, Debug)]
pub struct Examiner(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    scanner: Option<Scanner>,
    worker: PictureWorker,
    scans: Turns,
    pictures: Turns,
}

/// Why a file is not taken, or not now.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    /// It is not what it should be.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The scanner refuses it.
    #[error("the scanner refuses the file")]
    Refused,
    /// The scanner has no answer.
    #[error("the file cannot be scanned: {0}")]
    Unscanned(std::io::Error),
    /// Too many others wait.
    #[error(transparent)]
    Busy(#[from] Busy),
}

impl Examiner {
    /// Looks into files with a scanner, if there is one, and into pictures with this program.
    pub fn new(scanner: Option<Scanner>, worker: PictureWorker) -> Self {
        let turns = |at_once| {
            let bounds = Bounds { at_once, waiting: WAITING, waiting_of_site: WAITING_OF_SITE, patience: PATIENCE };
            Turns::new(bounds)
        };
        Self(Arc::new(Parts { scanner, worker, scans: turns(SCANS), pictures: turns(PICTURES) }))
    }

    /// Looks into a file of a site: whether it is what its name says and whole, and whether the scanner takes it.
    pub async fn examine(&self, site: SiteId, received: Received, claimed: Format) -> Result<Examined, ExamineError> {
        let Parts { scanner, worker, scans, pictures } = &*self.0;
        let Received { file, size, sha256 } = received;
        // Whatever a hostile file may find to make a reader panic, it is a broken file.
        let checked = in_background(move || check(file, claimed)).await;
        let file = checked.unwrap_or(Err(Unfit::Broken(claimed)))?;
        if let Some(scanner) = scanner {
            let _turn = scans.turn(site).await?;
            match scanner.scan(&file).await {
                Ok(Verdict::Taken) => {}
                Ok(Verdict::Refused) => return Err(ExamineError::Refused),
                Err(error) => return Err(ExamineError::Unscanned(error)),
            }
        }
        let webp = if claimed.kind() == Kind::Image {
            let _turn = pictures.turn(site).await?;
            worker.webp(&file, claimed).await?
        } else {
            None
        };
        Ok(Examined { file, size, sha256, webp })
    }
}
