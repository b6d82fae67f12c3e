//! The rows that a part of all streams makes: of every read model that is being built, in memory, on one core.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rollbook_store::{Partition, Position, Recorded};
use tokio::sync::mpsc;

use crate::ProjectionError;
use crate::binary::Columns;
use crate::erased::{AnyModel, Memory};

/// How many batches of the log are folded before rows that are written once leave.
const BATCHES_KEPT: usize = 8;

/// One partition.
pub(super) struct Part {
    pub models: Vec<PartOfModel>,
    batches: usize,
}

/// A read model's rows in a partition.
pub(super) struct PartOfModel {
    pub model: &'static dyn AnyModel,
    /// The position that it is built up to; later events are of no concern.
    pub until: Position,
    pub rows: Box<dyn Memory>,
    /// Where rows go that are written once.
    pub leaving: Option<Leaving>,
}

/// The way of rows out of memory while the log is still being read.
#[derive(Clone)]
pub(super) struct Leaving {
    pub columns: Arc<Columns>,
    pub pieces: mpsc::Sender<Vec<u8>>,
}

impl Part {
    pub fn new(models: Vec<PartOfModel>) -> Self {
        Self { models, batches: 0 }
    }

    /// Lets the rows out that do not stay. It blocks while the database is slower.
    pub fn let_out(&mut self) -> Result<(), ProjectionError> {
        for part in &mut self.models {
            if let Some(Leaving { columns, pieces }) = &part.leaving {
                // Whoever takes the pieces has the error where it takes no more.
                let left = part.rows.drain(columns, &mut |piece| pieces.blocking_send(piece).is_ok());
                left.map_err(|source| ProjectionError::Row { projection: part.model.shape().name, source })?;
            }
        }
        self.batches = 0;
        Ok(())
    }
}

impl Partition for Part {
    type Error = ProjectionError;

    fn take(&mut self, events: &[Recorded]) -> Result<(), ProjectionError> {
        for part in &mut self.models {
            let events = &events[..events.partition_point(|event| event.position <= part.until)];
            // A fold that panics ends the rebuild, and not the process's engine.
            catch_unwind(AssertUnwindSafe(|| part.rows.fold(events)))
                .map_err(|_| ProjectionError::Fold { projection: part.model.shape().name })?;
        }
        self.batches += 1;
        if self.batches < BATCHES_KEPT { Ok(()) } else { self.let_out() }
    }
}
