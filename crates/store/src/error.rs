//! The one store error.

use rollbook_domain::event::UnreadableEvent;

/// What can go wrong between the service and its database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, or broke the connection; trying again later may help.
    #[error("the database cannot be reached: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// More is waiting to be appended than the service takes on; nothing was done.
    #[error("too many commands are waiting; send it again in a moment")]
    Overloaded,
    /// The database refused a statement.
    #[error("the database refused: {0}")]
    Database(#[source] sqlx::Error),
    /// An event in the log cannot be read by this version of the software.
    #[error(transparent)]
    Unreadable(#[from] UnreadableEvent),
    /// Something in the log or a reply is not of the shape that this crate writes.
    #[error("unexpected data from the database: {0}")]
    Corrupt(String),
    /// The migrations could not be applied.
    #[error("the migrations failed: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The database was made by a program of before the baseline of the migrations.
    #[error(
        "the database was made before Rollbook's schema was laid out anew. Nothing in it was changed. Make another one \
         that nothing is in, and have `rollbook load` copy this one into it; `rollbook load --help` says how"
    )]
    BeforeBaseline,
    /// One database is of one installation, or of one site.
    #[error("the database belongs to another site, or is that of an installation")]
    WrongDatabase,
}

impl StoreError {
    /// The error for everybody whose work was in one statement that failed. The first is the error itself: alone, it may be
    /// another than that the database is away.
    pub(crate) fn for_everybody(self) -> impl Iterator<Item = Self> {
        let message = self.to_string();
        let copies = std::iter::repeat_with(move || Self::Unavailable(sqlx::Error::Protocol(message.clone())));
        std::iter::once(self).chain(copies)
    }
}

/// Whether an error says that the database cannot be reached.
pub(crate) fn is_gone(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_) => true,
        // Class 57P: the server is shutting down or starting up; 53300: too many connections; 08: connection lost; 28, 3D000 and
        // 55000: it does not let us in any more.
        sqlx::Error::Database(e) => e.code().is_some_and(|code| {
            ["57P", "08", "28"].iter().any(|class| code.starts_with(class))
                || ["53300", "3D000", "55000"].contains(&&*code)
        }),
        _ => false,
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if is_gone(&error) { Self::Unavailable(error) } else { Self::Database(error) }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}
