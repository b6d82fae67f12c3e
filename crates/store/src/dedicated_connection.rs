//! A connection of its own for work that has one queue: no pool is asked for every batch, and none waits behind queries.
//! What is sent over it must be safe to send twice; nothing else is.

use std::sync::Arc;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Postgres};

use crate::StoreError;

/// A query with its parameters.
pub type PgQuery<'q> = Query<'q, Postgres, PgArguments>;

/// The settings of connections for statements that are few and whose parameters differ in size only, so that one plan serves
/// all. It may be made while the tables are still empty, so it must not read tables as a whole: the statements ask row by
/// row, through keys, and such that one index alone serves: of an empty table, every index that begins with a column of the
/// question looks as good as the key's own, and would be read from end to end for each row.
pub(crate) const ONE_PLAN: [(&str, &str); 2] = [("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off")];

/// A connection that is made when it is needed, and made anew when it has broken.
pub struct DedicatedConnection {
    options: Arc<PgConnectOptions>,
    connection: Option<PgConnection>,
}

/// What it is made by holds the password.
impl std::fmt::Debug for DedicatedConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DedicatedConnection").field("connected", &self.connection.is_some()).finish_non_exhaustive()
    }
}

impl DedicatedConnection {
    /// A connection to the database of a pool, with settings of its own beside [`ONE_PLAN`].
    pub fn new(pool: &PgPool, settings: &[(&str, &str)]) -> Self {
        let options = pool.connect_options().as_ref().clone();
        let options = options.options(ONE_PLAN).options(settings.iter().copied());
        Self { options: Arc::new(options), connection: None }
    }

    /// The rows of a query. A connection that turns out to be broken was perhaps broken long before, so the query is tried
    /// once more over a new one; if that fails too the database is away.
    pub async fn rows<'q>(&mut self, query: impl Fn() -> PgQuery<'q> + Send) -> Result<Vec<PgRow>, StoreError> {
        let seasoned = self.connection.is_some();
        match self.once(query()).await {
            Err(StoreError::Unavailable(_)) if seasoned => self.once(query()).await,
            done => done,
        }
    }

    async fn once(&mut self, query: PgQuery<'_>) -> Result<Vec<PgRow>, StoreError> {
        // Whoever breaks this off half-way leaves no connection behind that waits for an answer.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        let done = query.fetch_all(&mut connection).await.map_err(StoreError::from);
        if !matches!(done, Err(StoreError::Unavailable(_))) {
            self.connection = Some(connection);
        }
        done
    }

    /// Says good-bye to the server.
    pub async fn close(self) {
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "a connection did not end well");
        }
    }
}
