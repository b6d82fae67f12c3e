//! What the registry says of a site whose database is its own, and so does not hold the registry.

use std::fmt;
use std::sync::Arc;

/// What is to be known of a site before anything is sent for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Whether it answers nobody.
    pub closed: bool,
    /// The host that its students come to.
    pub host: Option<String>,
}

/// Says it as it is now.
#[derive(Clone)]
pub struct Elsewhere(Arc<dyn Fn() -> Known + Send + Sync>);

impl Elsewhere {
    /// By asking.
    pub fn new(ask: impl Fn() -> Known + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    pub(crate) fn now(&self) -> Known {
        (self.0)()
    }
}

impl fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Elsewhere")
    }
}
