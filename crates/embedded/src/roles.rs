//! Connects to a server that has started, and makes the service's role and database; never gives that role any power.

use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use crate::error::Error;
use crate::find::Version;
use crate::secrets::Secrets;
use crate::server::Server;

/// The service's role, and its database.
pub(crate) const ROLE: &str = "rollbook";
/// The superuser, and the database it connects to.
pub(crate) const SUPERUSER: &str = "postgres";

/// Held while the role and the database are made. The number means nothing.
const SETUP_LOCK: u32 = 1_919_905_899;
/// How long a server that is up may refuse connections, as it does while it recovers from a crash of one of its processes.
const LIMIT: Duration = Duration::from_mins(1);
const STEP: Duration = Duration::from_millis(50);

/// Makes sure that the server is this cluster's, that the role and the database exist, and that the role can connect.
pub(crate) async fn ensure(server: &Server, port: u16, secrets: &Secrets) -> Result<Version, Error> {
    let failed = |doing| move |source| Error::Database { doing, log: server.log(), source };
    let admin = patient(port, SUPERUSER, &secrets.superuser).await.map_err(failed("connecting as the superuser"))?;

    let looking = failed("looking at the server");
    let row = admin
        .query_one("SELECT current_setting('data_directory'), current_setting('server_version_num')::int", &[])
        .await
        .map_err(looking)?;
    let (found, number): (String, i32) = (row.get(0), row.get(1));
    let cluster = &server.cluster.directory;
    if std::fs::canonicalize(&found).unwrap_or_else(|_| found.clone().into()) != *cluster {
        return Err(Error::OtherServer { port, found, cluster: cluster.clone() });
    }

    let making = "making the role and the database";
    // A process that was killed here may have left its statement running: wait for its end, or both make the same.
    let alone = format!("SET lock_timeout = '60s'; SELECT pg_advisory_lock({SETUP_LOCK})");
    run(&admin, &alone).await.map_err(failed(making))?;
    let role = format!("SELECT rolsuper FROM pg_roles WHERE rolname = '{ROLE}'");
    let powers = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD";
    let superuser = admin.query_opt(&role, &[]).await.map_err(failed(making))?.map(|row| row.get::<_, bool>(0));
    if superuser != Some(false) {
        let verb = if superuser.is_none() { "CREATE" } else { "ALTER" };
        let statement = format!("{verb} ROLE {ROLE} {powers} '{}'", secrets.role);
        run(&admin, &statement).await.map_err(failed(making))?;
    }
    // From template0: template1 may be in use, which costs five seconds.
    let database = format!("SELECT 1 FROM pg_database WHERE datname = '{ROLE}'");
    if admin.query_opt(&database, &[]).await.map_err(failed(making))?.is_none() {
        run(&admin, &format!("CREATE DATABASE {ROLE} OWNER {ROLE} TEMPLATE template0"))
            .await
            .map_err(failed(making))?;
    }

    match connect(port, ROLE, &secrets.role).await {
        Ok(_) => {}
        Err(error) if error.code() == Some(&SqlState::INVALID_PASSWORD) => {
            // Its password file was lost and made anew.
            run(&admin, &format!("ALTER ROLE {ROLE} PASSWORD '{}'", secrets.role)).await.map_err(failed(making))?;
            connect(port, ROLE, &secrets.role).await.map_err(failed("connecting as the service's role"))?;
        }
        Err(error) => return Err(failed("connecting as the service's role")(error)),
    }
    let number = number.unsigned_abs();
    Ok(Version { major: number / 10_000, minor: number % 10_000 })
}

/// The URL of a database whose name is its user's.
pub(crate) fn url(port: u16, user: &str, password: &str) -> String {
    // Passwords are letters and digits, so there is nothing to encode. Loopback needs no TLS, and the server has none.
    format!("postgres://{user}:{password}@127.0.0.1:{port}/{user}?sslmode=disable")
}

async fn run(client: &Client, statement: &str) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(statement).await
}

/// Connects, and waits while the server says that it is not ready.
async fn patient(port: u16, user: &str, password: &str) -> Result<Client, tokio_postgres::Error> {
    let began = Instant::now();
    loop {
        match connect(port, user, password).await {
            Err(error) if began.elapsed() < LIMIT && passes(&error) => tokio::time::sleep(STEP).await,
            ended => return ended,
        }
    }
}

/// Whether an error goes away by itself: the server is starting, or all its connections are taken at this moment.
fn passes(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(&SqlState::CANNOT_CONNECT_NOW | &SqlState::TOO_MANY_CONNECTIONS))
}

async fn connect(port: u16, user: &str, password: &str) -> Result<Client, tokio_postgres::Error> {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user(user).password(password).dbname(user);
    config.application_name("rollbook set-up").connect_timeout(Duration::from_secs(10));
    let (client, connection) = config.connect(NoTls).await?;
    // Ends with the client.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the set-up's connection ended");
        }
    });
    Ok(client)
}

#[cfg(test)]
mod tests {
    #[test]
    fn urls_are_what_every_client_reads() {
        let url = super::url(5433, "rollbook", "abc123");
        let config: tokio_postgres::Config = url.parse().unwrap();
        assert_eq!(config.get_ports(), [5433]);
        assert_eq!((config.get_user(), config.get_dbname()), (Some("rollbook"), Some("rollbook")));
    }
}
