//! A real PostgreSQL for every test run, and a database of its own for every test, copied from a migrated template.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use reqwest::{Method, RequestBuilder};
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::person::BootstrapOwner;
use rollbook_domain::text::Email;
use rollbook_domain::{Actor, PersonId, Personal, SiteId};
use rollbook_embedded::Instance;
use rollbook_files::{Examiner, Files, PictureWorker, Scanner};
use rollbook_http::{
    AccountSettings, AppState, Deliver, Installation, Limits, Room, Setup, TrustedProxies, UnknownHosts, serve,
};
use rollbook_projections::Projections;
use rollbook_store::connect::pool_options;
use rollbook_store::isolation::every_site;
use rollbook_store::keys::Keys;
use rollbook_store::migrate::migrate;
use rollbook_store::site_databases::Reach;
use rollbook_store::{Clock, EventStore, Executor, Request};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, PgPool};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio::task::AbortHandle;
use uuid::Uuid;

use crate::binary::program::BINARY;

/// The server that all tests of this run share: it ends with this process, however that ends.
static SERVER: OnceCell<Instance> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The recorder of this process: what all its tests do is counted together.
static METRICS: LazyLock<PrometheusHandle> = LazyLock::new(|| {
    let metrics = PrometheusBuilder::new().install_recorder().expect("the only recorder");
    rollbook_http::describe_metrics();
    metrics
});

const TEMPLATE: &str = "rollbook_template";

/// A database of one test.
#[derive(Clone)]
pub struct Database {
    /// Its URL, for the service's own role.
    pub url: String,
    /// Connections of the service's own role.
    pub pool: PgPool,
    /// The folder with the files of its uploads.
    pub files: Arc<TempDir>,
}

impl Database {
    /// A fresh database, with the migrations in it.
    pub async fn create() -> Self {
        Self::copied_from(TEMPLATE).await
    }

    /// A fresh database with nothing in it.
    pub async fn empty() -> Self {
        Self::copied_from("template1").await
    }

    /// A database as the last program of before the baseline of the migrations left it.
    pub async fn before_baseline() -> Self {
        let database = Self::empty().await;
        let left = include_str!("../fixtures/before_baseline.sql");
        sqlx::raw_sql(left).execute(&database.pool).await.expect("the database of before");
        database
    }

    /// A fresh database with what is in this one, which is frozen.
    pub async fn copy(&self) -> Self {
        Self::copied_from(self.name()).await
    }

    /// Ends all connections to it and lets nobody in again: only then can it be copied.
    pub async fn freeze(&self) {
        let mut admin = PgConnection::connect(server().await.superuser_url()).await.expect("the superuser connects");
        let shut = format!("alter database {} allow_connections false", self.name());
        sqlx::query(&shut).execute(&mut admin).await.expect("nobody is let in");
        let end = "select pg_terminate_backend(pid, 60000) from pg_stat_activity where datname = $1";
        sqlx::query(end).bind(self.name()).execute(&mut admin).await.expect("everybody leaves");
        admin.close().await.expect("the superuser leaves");
    }

    fn name(&self) -> &str {
        self.url.rsplit_once('/').expect("a URL with a path").1
    }

    async fn copied_from(template: &str) -> Self {
        let server = server().await;
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::SeqCst));
        let mut admin = PgConnection::connect(server.superuser_url()).await.expect("the superuser connects");
        sqlx::query(&format!("create database {name} template {template} owner rollbook"))
            .execute(&mut admin)
            .await
            .expect("a database is created from the template");
        admin.close().await.expect("the superuser leaves");
        // Tests break connections, and go on over others.
        let pool = pool_options(20).test_before_acquire(true);
        let pool = pool.connect_with(options(server).database(&name)).await.expect("the service's role connects");
        let url = server.url().rsplit_once('/').map(|(host, _)| format!("{host}/{name}")).expect("a URL with a path");
        let files = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        Self { url, pool, files }
    }

    /// The event store of this database.
    pub fn store(&self) -> EventStore {
        EventStore::new(self.pool.clone())
    }
}

async fn server() -> &'static Instance {
    SERVER
        .get_or_init(|| async {
            let settings = [("max_connections", "600")];
            let server = rollbook_embedded::temporary(&settings).await.expect("a server starts");
            let mut admin = PgConnection::connect(server.superuser_url()).await.expect("the superuser connects");
            sqlx::query(&format!("create database {TEMPLATE} owner rollbook"))
                .execute(&mut admin)
                .await
                .expect("the template is created");
            admin.close().await.expect("the superuser leaves");
            let template = pool_options(1)
                .connect_with(options(&server).database(TEMPLATE))
                .await
                .expect("the template takes connections");
            migrate(&template).await.expect("the migrations run");
            // A template that somebody is connected to cannot be copied.
            template.close().await;
            server
        })
        .await
}

fn options(server: &Instance) -> PgConnectOptions {
    every_site(server.url().parse().expect("a URL that sqlx reads"))
}

/// Looks until there is something to see; what never comes fails, and says what was waited for.
pub async fn eventually<T>(limit: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let seen = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(limit, seen).await.unwrap_or_else(|_| panic!("not within {limit:?}: {what}"))
}

/// An instant from its RFC 3339 form.
pub fn at(instant: &str) -> DateTime<Utc> {
    instant.parse().expect("an RFC 3339 instant")
}

/// The whole service on a database of its own, over real HTTP on loopback.
#[derive(Clone)]
pub struct Service {
    /// Where it listens.
    pub url: String,
    /// The database under it.
    pub database: Database,
    /// What carries commands out.
    pub executor: Executor,
    /// The read models' engine.
    pub projections: Projections,
    /// The clock that it decides by.
    pub clock: Clock,
    /// The bootstrapped owner's token.
    pub owner: String,
    /// What the routes of this site share.
    pub state: AppState,
    /// All sites.
    pub installation: Installation,
    /// The site that this service's requests are for.
    pub site: SiteId,
    /// The host that they name; none is the one that it listens on.
    host: Option<String>,
    client: reqwest::Client,
    tasks: Vec<AbortHandle>,
}

/// How the whole service is set up.
#[derive(Clone)]
pub struct Hosting {
    /// The addresses of the super admins.
    pub super_admins: Vec<&'static str>,
    /// Whether each of them must have a second factor.
    pub super_admin_second_factor: bool,
    /// What becomes of requests for a host that no site has.
    pub unknown_hosts: UnknownHosts,
    /// How much one client may ask for.
    pub limits: Limits,
    /// How people sign in.
    pub accounts: AccountSettings,
    /// What the URLs of sites' own databases are sealed under.
    pub keys: Keys,
    /// How such a database is reached.
    pub reach: Reach,
    /// How long such a database is kept open that nobody uses.
    pub idle: Duration,
    /// Who delivers from it.
    pub deliver: Option<Arc<dyn Deliver>>,
    /// What each uploaded file is given to.
    pub scanner: Option<Scanner>,
}

/// One client stands for many here: how much they ask for is not limited, and where they say that they come from is
/// believed.
impl Default for Hosting {
    fn default() -> Self {
        let proxies = TrustedProxies::new(vec!["127.0.0.0/8".parse().expect("a network")]);
        let limits = Limits { per_token: None, per_address: None, disk_reserve: 0, proxies, ..Limits::default() };
        let accounts = AccountSettings::default();
        let (unknown_hosts, keys, idle) = (UnknownHosts::default(), Keys::default(), Duration::from_mins(10));
        let reach = Reach::default();
        Self {
            super_admins: Vec::new(),
            super_admin_second_factor: false,
            unknown_hosts,
            limits,
            accounts,
            keys,
            reach,
            idle,
            deliver: None,
            scanner: None,
        }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its body, where it was JSON.
    pub json: Value,
    /// Its body.
    pub text: String,
}

impl Service {
    /// A service whose clock stands at an instant, with an owner.
    pub async fn start(now: &str) -> Self {
        Self::on(Database::create().await, Clock::frozen(at(now))).await
    }

    /// A service on a database that may have a history already.
    pub async fn on(database: Database, clock: Clock) -> Self {
        Self::hosting(database, clock, Hosting::default()).await
    }

    /// A service whose one owner is a super admin.
    pub async fn with_super_admin(now: &str) -> Self {
        let hosting = Hosting { super_admins: vec!["owner@example.org"], ..Hosting::default() };
        Self::hosting(Database::create().await, Clock::frozen(at(now)), hosting).await
    }

    /// A service that is set up otherwise.
    pub async fn hosting(database: Database, clock: Clock, hosting: Hosting) -> Self {
        let store = database.store();
        let owner = bootstrap_owner(&Executor::new(store.clone(), clock.clone())).await;
        let far = chrono::TimeDelta::days(100_000);
        let owner = store.issue_token(SiteId::DEFAULT, owner, clock.now(), far).await.expect("a token");
        Self::owned(database, clock, hosting, owner).await
    }

    /// A service on a database that has an owner, with this token.
    pub async fn owned(database: Database, clock: Clock, hosting: Hosting, owner: String) -> Self {
        let metrics = METRICS.clone();
        let store = database.store();
        let executor = Executor::new(store.clone(), clock.clone());
        let projections = Projections::start(store);
        let files = Files::in_folder(database.files.path()).expect("a folder for files");
        let address = |text: &&str| Email::try_new(text).expect("an address");
        let installation = Installation::open(Setup {
            // The process of the tests is no program that decodes pictures; the service's is.
            examiner: Examiner::new(hosting.scanner, PictureWorker::at(|| Ok(BINARY.into()))),
            metrics: Some(metrics),
            super_admins: hosting.super_admins.iter().map(address).collect(),
            super_admin_second_factor: hosting.super_admin_second_factor,
            unknown_hosts: hosting.unknown_hosts,
            room: Room::new(vec![database.files.path().to_owned()], hosting.limits.disk_reserve),
            limits: hosting.limits.clone(),
            accounts: hosting.accounts,
            keys: hosting.keys,
            reach: hosting.reach,
            idle: hosting.idle,
            deliver: hosting.deliver,
            ..Setup::new(executor.clone(), projections.clone(), files)
        });
        let installation = installation.await.expect("the registry");
        let followed = installation.clone();
        let following = tokio::spawn(async move { followed.follow().await });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let routes = installation.router();
        let server = tokio::spawn(async move { serve(listener, routes, &hosting.limits, pending()).await });
        let (site, state) = (SiteId::DEFAULT, state_of(&installation, SiteId::DEFAULT).await);
        let tasks = vec![server.abort_handle(), following.abort_handle()];
        Self {
            url,
            database,
            executor,
            projections,
            clock,
            owner,
            state,
            installation,
            site,
            host: None,
            client: client(),
            tasks,
        }
    }

    /// The same service as another site has it: a new one, which answers on `<slug>.example.org`, with an owner of its own.
    pub async fn site(&self, slug: &str) -> Self {
        let (email, host) = (format!("owner@{slug}.example.org"), format!("{slug}.example.org"));
        let open = json!({"slug": slug, "name": format!("School {slug}"), "owner_email": email});
        let id = self.create(&self.owner, "OpenSite", open).await;
        self.command(&self.owner, "SetSiteHosts", json!({"site_id": id, "hosts": [{"host": host}]})).await;
        let site: SiteId = id.parse().expect("an id");
        let store = self.executor.store();
        let owner = store.owner(site, ClaimKey::email(&email)).await.expect("a look-up").expect("an owner");
        let mut other = self.at_host(&host);
        (other.site, other.state) = (site, state_of(&self.installation, site).await);
        other.owner = other.token(&owner.to_string()).await;
        other
    }

    /// A new site as [`Service::site`] makes it, which is to have a database of its own: its id. It answers nobody yet.
    pub async fn wanting(&self, slug: &str) -> String {
        let open = json!({"slug": slug, "name": format!("School {slug}"), "own_database": true,
            "owner_email": format!("owner@{slug}.example.org")});
        let id = self.create(&self.owner, "OpenSite", open).await;
        let hosts = json!([{"host": format!("{slug}.example.org")}]);
        self.command(&self.owner, "SetSiteHosts", json!({"site_id": id, "hosts": hosts})).await;
        id
    }

    /// Gives a site a database.
    pub async fn give(&self, site: &str, url: &str) -> Answer {
        let request = self.request(Method::PUT, &self.owner, &format!("/v1/sites/{site}/database"));
        answer(request.json(&json!({"url": url}))).await
    }

    /// The same service as a new site has it that is in this database of its own.
    pub async fn own_site(&self, slug: &str, database: &Database) -> Self {
        let id = self.wanting(slug).await;
        let given = self.give(&id, &database.url).await;
        assert_eq!(given.status, 200, "{}", given.text);
        self.in_own(slug, &id, database).await
    }

    /// The same service as a site has it that is in a database of its own.
    pub async fn in_own(&self, slug: &str, id: &str, database: &Database) -> Self {
        let mut other = self.at_host(&format!("{slug}.example.org"));
        other.site = id.parse().expect("an id");
        (other.executor, other.database) = (Executor::new(database.store(), self.clock.clone()), database.clone());
        let email = ClaimKey::email(&format!("owner@{slug}.example.org"));
        let owner = other.executor.store().owner(other.site, email).await.expect("a look-up").expect("an owner");
        other.owner = other.token(&owner.to_string()).await;
        other
    }

    /// The same service, asked by another host.
    pub fn at_host(&self, host: &str) -> Self {
        Self { host: Some(host.to_owned()), ..self.clone() }
    }

    /// The same service, asked by a client that goes nowhere by itself.
    pub fn without_redirects(&self) -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        Self { client: client.expect("a client"), ..self.clone() }
    }

    /// Another service on the same database, as in another process: it shares nothing but the database and the clock.
    pub async fn on_the_database_of(other: &Self) -> Self {
        Self::on(other.database.clone(), other.clock.clone()).await
    }

    /// Ends this process's part.
    pub async fn stop(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.projections.stop().await;
    }

    /// Ends this process's part and starts another on the same database, as after a restart.
    pub async fn restart(self) -> Self {
        self.stop().await;
        Self::on(self.database, self.clock).await
    }

    /// Sets the clock.
    pub fn now(&self, instant: &str) {
        self.clock.set(at(instant));
    }

    /// A token for a person.
    pub async fn token(&self, person: &str) -> String {
        let person = person.parse().expect("a person's id");
        let ttl = chrono::TimeDelta::days(100_000);
        self.executor.store().issue_token(self.site, person, self.clock.now(), ttl).await.expect("a token")
    }

    /// A request, to be sent by the caller.
    pub fn request(&self, method: Method, token: &str, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = if let Some(host) = &self.host { request.header("host", host) } else { request };
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    /// Sends a command and takes whatever comes back.
    pub async fn send(&self, token: &str, command: &str, body: Value) -> Answer {
        answer(self.request(Method::POST, token, &format!("/v1/commands/{command}")).json(&body)).await
    }

    /// Sends a command that must be carried out; its receipt.
    pub async fn command(&self, token: &str, command: &str, body: Value) -> Value {
        let answer = self.send(token, command, body).await;
        assert_eq!(answer.status, 200, "{command}: {}", answer.text);
        answer.json
    }

    /// Sends a creating command; the new thing's id.
    pub async fn create(&self, token: &str, command: &str, body: Value) -> String {
        let receipt = self.command(token, command, body).await;
        receipt["streams"][0]["id"].as_str().expect("an id").to_owned()
    }

    /// Asks a query, and takes whatever comes back.
    pub async fn ask(&self, token: &str, path: &str) -> Answer {
        answer(self.request(Method::GET, token, path)).await
    }

    /// Asks a query that must be answered, once the read models know everything that has happened.
    pub async fn get(&self, token: &str, path: &str) -> Value {
        let head = self.executor.store().head().await.expect("the log's head");
        let joint = if path.contains('?') { '&' } else { '?' };
        let answer = self.ask(token, &format!("{path}{joint}min_position={head}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json
    }

    /// The items of a list, of all its pages' first 1,000.
    pub async fn items(&self, token: &str, path: &str) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let page = self.get(token, &format!("{path}{joint}limit=1000")).await;
        page["items"].as_array().unwrap_or_else(|| panic!("{path}: no items in {page}")).clone()
    }
}

async fn state_of(installation: &Installation, site: SiteId) -> AppState {
    installation.reach(site).await.unwrap_or_else(|error| panic!("{error:?}")).state
}

/// A client for plain HTTP. It is built with the TLS of the embedded server's download, which names no provider by itself.
pub fn client() -> reqwest::Client {
    static PROVIDER: std::sync::Once = std::sync::Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().expect("the first provider of this process");
    });
    reqwest::Client::new()
}

/// Sends a request.
pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a body");
    Answer { status, headers, json: serde_json::from_str(&text).unwrap_or(Value::Null), text }
}

async fn bootstrap_owner(executor: &Executor) -> PersonId {
    let command = BootstrapOwner {
        person_id: Uuid::new_v4().into(),
        name: Personal::new("Ọlá Owner".to_owned().try_into().expect("a name")),
        email: Personal::new("owner@example.org".to_owned().try_into().expect("an address")),
    };
    let request = Request {
        site: SiteId::DEFAULT,
        actor: Actor::System,
        command: command.into(),
        command_id: None,
        if_match: None,
        correlation_id: None,
    };
    executor.execute(request).await.expect("the owner is bootstrapped");
    let owner = executor.store().owner(SiteId::DEFAULT, ClaimKey::email("owner@example.org")).await.expect("a look-up");
    owner.expect("an owner").into()
}
