//! Commands whose rows go in pieces: one append after the other, each decided anew, so that others' appends and what they read are
//! in between. The receipt is kept first, under the command's own key, and says which pieces there are; each is appended under a key
//! of the service. Whoever sends the command again has what is missing of them appended, and the same receipt.

use futures::future::BoxFuture;
use rollbook_domain::claim::ClaimChanges;
use rollbook_domain::cohort::{Part, Piece};
use rollbook_domain::plan::Plan;

use super::{CommandKey, ExecuteError, Executor, Request, Sent, new_id};
use crate::append::{Append, Appended, StoredPiece, StoredReceipt};
use crate::{Position, Receipt, StoreError};

/// What is made of a command's appends, and between those of its pieces.
pub trait Pace: Send {
    /// So many events were appended.
    fn wrote(&mut self, events: usize);

    /// A piece ends at this position, and the next one waits for this.
    fn between(&mut self, position: Position) -> BoxFuture<'_, ()>;
}

/// One piece after the other.
pub(super) struct AtOnce;

impl Pace for AtOnce {
    fn wrote(&mut self, _events: usize) {}

    fn between(&mut self, _position: Position) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl Executor {
    /// Keeps the receipt, and has its pieces appended.
    pub(super) async fn in_pieces(
        &self,
        sent: &Sent<'_>,
        plan: Plan,
        pieces: Vec<Part>,
        pace: &mut dyn Pace,
    ) -> Result<Receipt, ExecuteError> {
        let pieces: Vec<_> =
            pieces.into_iter().map(|part| StoredPiece { id: new_id().into(), rows: part.rows }).collect();
        let without_writes =
            Plan { writes: Vec::new(), claims: ClaimChanges::default(), limits: Vec::new(), parts: Vec::new(), ..plan };
        let append = Append { pieces: &pieces, ..sent.append(&without_writes) };
        match self.store.append(&append).await? {
            Appended::At(position) => {
                let stored = StoredReceipt::of_pieces(position, without_writes.rows, pieces);
                self.answer(sent, stored, pace).await
            }
            Appended::Duplicate(stored) => self.answer(sent, stored, pace).await,
            Appended::KeyReused => Err(ExecuteError::KeyReused),
            Appended::Stale { what } => Err(StoreError::Corrupt(format!("nothing was relied on: {what}")).into()),
        }
    }

    /// The pieces of a kept receipt, one after the other: what is not in the log yet is appended. What became of their rows takes the
    /// place of what would have.
    pub(super) async fn pieces(
        &self,
        sent: &Sent<'_>,
        receipt: Receipt,
        pieces: Vec<StoredPiece>,
        pace: &mut dyn Pace,
    ) -> Result<Receipt, ExecuteError> {
        let mut rows: Vec<_> = receipt.rows.iter().cloned().map(Some).collect();
        let mut written = Vec::with_capacity(pieces.len());
        for StoredPiece { id, rows: of_piece } in pieces {
            let key = CommandKey::of_service(id);
            let piece = Piece::of(sent.command, of_piece, &receipt.rows);
            let piece = piece.ok_or_else(|| StoreError::Corrupt("a piece of no file".to_owned()))?;
            let mut done = if let Some(stored) = self.store.receipt(sent.site, key).await? {
                self.stored(id, stored).await?.0
            } else {
                let request = Request {
                    site: sent.site,
                    actor: sent.actor,
                    command: piece.command.clone(),
                    command_id: Some(key),
                    if_match: None,
                    correlation_id: Some(sent.correlation_id),
                };
                let done = Box::pin(self.carry_out(request, true, pace)).await?;
                pace.between(done.position).await;
                done
            };
            piece.tell(std::mem::take(&mut done.rows), &mut rows);
            written.push(done);
        }
        let whole = Receipt { rows: rows.into_iter().flatten().collect(), ..receipt };
        Ok(whole.of_pieces(written))
    }
}
