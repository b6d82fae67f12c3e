//! Commands whose rows go in pieces: one append after the other, each decided anew, so that others' appends and what they read are
//! in between. The receipt comes at the end, under the command's own key; the pieces are told apart by keys of the service, and
//! tied to it by its correlation.

use futures::future::BoxFuture;
use rollbook_domain::CommandId;
use rollbook_domain::claim::ClaimChanges;
use rollbook_domain::plan::{Lists, Piece, Plan};
use uuid::Uuid;

use super::{CommandKey, ExecuteError, Executor, Request, Sent, fresh, new_id};
use crate::append::{Append, Appended};
use crate::{Receipt, StoreError};

/// What happens between the pieces of a command.
pub trait Pace: Send {
    /// A piece was written, and the next one waits for this.
    fn after<'a>(&'a mut self, piece: &'a Receipt) -> BoxFuture<'a, ()>;
}

/// One piece after the other.
pub(super) struct AtOnce;

impl Pace for AtOnce {
    fn after<'a>(&'a mut self, _piece: &'a Receipt) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl Executor {
    /// Writes the pieces and then the receipt. Broken off, what was written stands: the command comes to the rest when it is sent
    /// again.
    pub(super) async fn in_pieces(
        &self,
        sent: &Sent<'_>,
        plan: Plan,
        pieces: Vec<Piece>,
        pace: &mut dyn Pace,
    ) -> Result<Receipt, ExecuteError> {
        // Another command under the same key is found before anything of it is written.
        let begun = CommandKey::of_service(Uuid::new_v5(&sent.key.id.0, <&str>::from(sent.key.issuer).as_bytes()));
        let nothing = without_writes(&plan);
        if let Appended::KeyReused = self.append_receipt(sent, begun, &nothing, &[]).await? {
            return Err(ExecuteError::KeyReused);
        }
        let mut rows: Vec<_> = plan.rows.into_iter().map(Some).collect();
        let mut written = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let key = CommandKey::of_service(new_id());
            let request = Request {
                site: sent.site,
                actor: sent.actor,
                command: piece.command.clone(),
                command_id: Some(key),
                if_match: None,
                correlation_id: Some(sent.correlation_id),
            };
            let mut receipt = Box::pin(self.carry_out(request, None)).await?;
            pace.after(&receipt).await;
            piece.tell(std::mem::take(&mut receipt.rows), &mut rows);
            written.push(receipt);
        }
        let whole = Plan { rows: rows.into_iter().flatten().collect(), ..nothing };
        let ids: Vec<_> = written.iter().map(|receipt| receipt.command_id).collect();
        match self.append_receipt(sent, sent.key, &whole, &ids).await? {
            Appended::At(position) => {
                let receipt = fresh(sent.key.id, position, Vec::new(), whole)?;
                Ok(receipt.of_pieces(written))
            }
            Appended::Duplicate(stored) => Ok(self.receipt(sent.site, sent.key.id, stored).await?),
            Appended::KeyReused => Err(ExecuteError::KeyReused),
            Appended::Stale { what } => Err(StoreError::Corrupt(format!("nothing was stale: {what}")).into()),
        }
    }

    /// Keeps a receipt that relies on nothing.
    async fn append_receipt(
        &self,
        sent: &Sent<'_>,
        key: CommandKey,
        plan: &Plan,
        pieces: &[CommandId],
    ) -> Result<Appended, StoreError> {
        let Sent { site, actor, command_hash, correlation_id, at, .. } = *sent;
        let (versions, streams) = (Vec::new(), &[][..]);
        let append = Append { site, key, command_hash, correlation_id, actor, at, versions, plan, pieces, streams };
        self.store.append(&append).await
    }
}

/// The same decision without anything to write.
fn without_writes(plan: &Plan) -> Plan {
    Plan {
        authority: plan.authority,
        writes: Vec::new(),
        claims: ClaimChanges::default(),
        limits: Vec::new(),
        lists: Lists::new(),
        rows: Vec::new(),
        parts: Vec::new(),
    }
}
