//! The end of uploads that nobody used. It never meets a command that uses one at that moment: commands take uploads for
//! 24 hours, and this takes them away after 25, of which no request lasts the last one.

use chrono::TimeDelta;
use rollbook_store::StoreError;
use uuid::Uuid;

use crate::state::AppState;

/// How old an upload is before it is taken away.
const ABANDONED: TimeDelta = TimeDelta::hours(25);

/// Takes away what was uploaded for more than 25 hours and never used, or never came to its end; how much that was. While
/// another process does so, this does nothing.
pub async fn clean_up(state: &AppState) -> Result<usize, StoreError> {
    let before = state.now() - ABANDONED;
    let (mut after, mut count) = (Uuid::nil(), 0);
    loop {
        let abandoned = state.store().abandoned_uploads(state.site(), before, after).await?;
        let Some(last) = abandoned.uploads.last() else {
            // Not left to whoever has the connection next: until then nobody else could clean up.
            abandoned.forget(&[]).await?;
            return Ok(count);
        };
        after = last.id;
        let mut gone = Vec::new();
        for upload in &abandoned.uploads {
            match state.files().remove(&upload.file).await {
                Ok(()) => gone.push(upload.id),
                Err(error) => {
                    tracing::warn!(upload = %upload.id, %error, "an abandoned upload cannot be taken away yet");
                }
            }
        }
        abandoned.forget(&gone).await?;
        count += gone.len();
    }
}
