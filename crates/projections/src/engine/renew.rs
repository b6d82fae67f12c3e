//! Building a new version of read models at start-up, in a task of its own: the other models go on meanwhile.

use rollbook_store::EventStore;
use tokio::task::JoinSet;

use super::build::MEMORY_BYTES;
use super::rebuild::{Differing, rebuild};
use crate::ProjectionError;
use crate::erased::AnyModel;

/// The rows of a new version, while they are built; the task ends with this.
#[derive(Debug, Default)]
pub(super) struct Renewing(JoinSet<Result<(), ProjectionError>>);

impl Renewing {
    /// Begins to build models that are outdated, unless that is under way already; how it ended, if it has.
    pub fn go_on(
        &mut self,
        store: &EventStore,
        outdated: &[&'static dyn AnyModel],
    ) -> Option<Result<(), ProjectionError>> {
        if let Some(ended) = self.0.try_join_next() {
            return Some(ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())));
        }
        if self.0.is_empty() && !outdated.is_empty() {
            tracing::info!(projections = ?outdated, "building a new version");
            let (store, outdated) = (store.clone(), outdated.to_vec());
            self.0.spawn(async move { rebuild(&store, &outdated, Differing::Accept, MEMORY_BYTES, &mut |_| {}).await });
        }
        None
    }
}
