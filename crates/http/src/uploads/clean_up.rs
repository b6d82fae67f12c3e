//! The end of uploads that nobody used. It never meets a command that uses one at that moment: commands take uploads for
//! 24 hours, and this takes them away after 25, of which no request lasts the last one.

use chrono::TimeDelta;
use rollbook_domain::SiteId;
use rollbook_files::{CheckedFile, FilesError, ForeignFile};
use rollbook_store::StoreError;
use rollbook_store::uploads::Upload;
use uuid::Uuid;

use crate::state::AppState;

/// How old an upload is before it is taken away.
const ABANDONED: TimeDelta = TimeDelta::hours(25);

/// How many batches one clean-up goes through, so that a database that never runs out of them keeps nobody else waiting;
/// the next one, an hour later, goes on.
const MOST_BATCHES: usize = 100;

/// Takes away what was uploaded for more than 25 hours and never used, or never came to its end; how much that was. While
/// another process does so, this does nothing. A row that names anything but its own upload's file is left alone.
pub async fn clean_up(state: &AppState) -> Result<usize, StoreError> {
    let before = state.now() - ABANDONED;
    let (mut after, mut count, mut stuck) = (Uuid::nil(), 0, Stuck::default());
    for _ in 0..MOST_BATCHES {
        let abandoned = state.store().abandoned_uploads(state.site(), before, after).await?;
        let Some(last) = abandoned.uploads.last() else {
            // Not left to whoever has the connection next: until then nobody else could clean up.
            abandoned.forget(&[]).await?;
            break;
        };
        after = last.id;
        let mut gone = Vec::new();
        for upload in &abandoned.uploads {
            match remove(state, upload).await {
                Ok(()) => gone.push(upload.id),
                Err(error) => stuck.note(upload.id, error),
            }
        }
        abandoned.forget(&gone).await?;
        count += gone.len();
    }
    stuck.tell(state.site());
    Ok(count)
}

async fn remove(state: &AppState, upload: &Upload) -> Result<(), RemoveError> {
    let file = CheckedFile::try_new(state.site(), upload.id, upload.file.clone())?;
    Ok(state.files().remove(&file).await?)
}

/// Why an abandoned upload is kept.
#[derive(Debug, thiserror::Error)]
enum RemoveError {
    #[error(transparent)]
    Foreign(#[from] ForeignFile),
    #[error(transparent)]
    Failed(#[from] FilesError),
}

/// Uploads that could not be taken away: told of once, however many a database says there are.
#[derive(Default)]
struct Stuck {
    count: usize,
    first: Option<(Uuid, RemoveError)>,
}

impl Stuck {
    fn note(&mut self, upload: Uuid, error: RemoveError) {
        self.count += 1;
        self.first.get_or_insert((upload, error));
    }

    fn tell(&self, site: SiteId) {
        if let Some((upload, error)) = &self.first {
            let count = self.count;
            tracing::warn!(%site, count, %upload, %error, "abandoned uploads cannot be taken away yet");
        }
    }
}
