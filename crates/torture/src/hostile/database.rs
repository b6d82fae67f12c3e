//! The two databases of a run, made for it and gone with it, and the gate in front of the one that is a school's own:
//! whoever takes the gate's place is that school's database.

use std::net::{Ipv4Addr, SocketAddr};

use rollbook_embedded::Instance;
use sqlx::{Connection, PgConnection};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use url::Url;
use uuid::Uuid;

use crate::Error;

/// As durable as a server in earnest, with connections for the service, for a school's own database and for who looks
/// on.
const SETTINGS: [(&str, &str); 4] =
    [("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on"), ("max_connections", "100")];
/// Where the gate is: on an address of loopback that nothing else of this machine is on by chance.
const GATE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

/// A server with two databases.
#[derive(Debug)]
pub struct Databases {
    server: Option<Instance>,
    /// A role that may make databases, in the database that it uses to do so.
    admin: Url,
    /// The role that the service works as.
    service: Url,
    installation: String,
    own: String,
}

impl Databases {
    /// Makes them on a private server of their own, or on a given one by a role that may.
    pub async fn create(given: Option<&Url>) -> Result<Self, Error> {
        let parsed = |url: &str| Url::parse(url).map_err(|error| Error::Broken(format!("the server's URL: {error}")));
        let (server, admin, service) = if let Some(given) = given {
            (None, given.clone(), given.clone())
        } else {
            let server = rollbook_embedded::temporary(&SETTINGS).await?;
            let (admin, service) = (parsed(server.superuser_url())?, parsed(server.url())?);
            (Some(server), admin, service)
        };
        let name = Uuid::new_v4().simple();
        let (installation, own) = (format!("rollbook_hostile_{name}"), format!("rollbook_hostile_own_{name}"));
        let databases = Self { server, admin, service, installation, own };
        let owner = databases.service.username();
        for name in databases.names() {
            databases.execute(&format!("create database {name} owner \"{owner}\"")).await?;
        }
        Ok(databases)
    }

    fn names(&self) -> [&str; 2] {
        [&self.installation, &self.own]
    }

    async fn execute(&self, sql: &str) -> Result<(), Error> {
        let mut admin = PgConnection::connect(self.admin.as_str()).await?;
        sqlx::raw_sql(sql).execute(&mut admin).await?;
        Ok(admin.close().await?)
    }

    /// The installation's.
    pub fn url(&self) -> String {
        let mut url = self.service.clone();
        url.set_path(&self.installation);
        url.into()
    }

    /// Where the server of the school's own database listens.
    pub fn own_address(&self) -> (String, u16) {
        (self.service.host_str().unwrap_or("localhost").to_owned(), self.service.port().unwrap_or(5432))
    }

    /// The school's own, behind another address.
    pub fn own_url(&self, behind: SocketAddr) -> Result<String, Error> {
        let mut url = self.service.clone();
        url.set_path(&self.own);
        url.set_query(None);
        let set = url.set_ip_host(behind.ip()).and_then(|()| url.set_port(Some(behind.port())));
        set.map(|()| url.into()).map_err(|()| Error::Broken("the server's URL names no host and port".to_owned()))
    }

    /// Takes them away, with the server if it is a private one.
    pub async fn remove(mut self) -> Result<(), Error> {
        for name in self.names() {
            self.execute(&format!("drop database if exists {name} with (force)")).await?;
        }
        match self.server.take() {
            Some(server) => Ok(server.stop().await?),
            None => Ok(()),
        }
    }

    /// The process that looks after the private server's others.
    pub fn process(&self) -> Result<Option<u32>, Error> {
        let Some(server) = &self.server else { return Ok(None) };
        let path = server.directory().join("postmaster.pid");
        let lock = std::fs::read_to_string(&path).map_err(Error::io(format!("reading {}", path.display())))?;
        Ok(lock.lines().next().and_then(|line| line.parse().ok()))
    }
}

/// Passes on to a server whatever comes to an address, until it is shut.
#[derive(Debug)]
pub struct Gate {
    /// Where it is.
    pub address: SocketAddr,
    to: (String, u16),
    task: Option<JoinHandle<()>>,
}

impl Gate {
    /// Opens one on a free port.
    pub async fn open(to: (String, u16)) -> Result<Self, Error> {
        let mut gate = Self { address: SocketAddr::from((GATE, 0)), to, task: None };
        gate.reopen().await?;
        Ok(gate)
    }

    /// Opens it again where it was.
    pub async fn reopen(&mut self) -> Result<(), Error> {
        let listening = || Error::io(format!("listening on {}", self.address));
        let listener = TcpListener::bind(self.address).await.map_err(listening())?;
        self.address = listener.local_addr().map_err(listening())?;
        let to = self.to.clone();
        self.task = Some(tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((mut guest, _)) = listener.accept().await {
                let to = to.clone();
                open.spawn(async move {
                    // Either may end it whenever it likes.
                    let mut server = TcpStream::connect(to).await?;
                    tokio::io::copy_bidirectional(&mut guest, &mut server).await
                });
                while open.try_join_next().is_some() {}
            }
        }));
        Ok(())
    }

    /// Shuts it, with all that goes through it: somebody else may listen there.
    pub async fn shut(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            // It is aborted: there is nothing else to be told.
            let _ = task.await;
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
