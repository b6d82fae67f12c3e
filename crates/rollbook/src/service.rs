//! The running service: read models kept up to date, appends by others heard of, emails delivered, abandoned uploads taken
//! away, HTTP answered until somebody asks to end.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rollbook_files::{Examiner, Files, PictureWorker};
use rollbook_http::{AccountSettings, Installation, Limits, Room, Setup};
use rollbook_mail::{Mailer, Mailing, Settings};
use rollbook_projections::Projections;
use rollbook_store::apart::{apart, unbroken};
use rollbook_store::keys::Keys;
use rollbook_store::listen::{self, Way};
use rollbook_store::site_databases::Reach;
use rollbook_store::{Clock, EventStore, Executor};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::cli::{DatabaseArgs, Hosting};
use crate::database::Database;
use crate::delivering::Delivering;
use crate::failure::{Done, Failure};
use crate::files;
use crate::output;
use crate::signals::Signals;

/// How long requests under way may take once somebody asked to end.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// How often metrics are kept.
const MEASURE: Duration = Duration::from_secs(5);

/// How often abandoned uploads are looked for.
const CLEAN_UP: Duration = Duration::from_hours(1);

/// The most connections of those who watch over the service, in all and of one address: they have places of their own.
const WATCHED: [usize; 2] = [64, 16];

/// Where it is answered.
#[derive(Debug)]
pub struct Sockets {
    /// For everybody.
    pub everybody: TcpListener,
    /// For those who watch over it.
    pub watched: Option<TcpListener>,
}

/// Read models that follow the log, also what other processes append.
#[derive(Debug)]
pub struct Service {
    /// The log.
    pub store: EventStore,
    /// The read models.
    pub projections: Projections,
    files: Files,
    /// The folders that are written to.
    folders: Vec<PathBuf>,
    keys: Keys,
    reach: Reach,
    listener: JoinHandle<()>,
}

impl Service {
    /// Brings the schema to this version and begins to follow the log.
    pub async fn start(database: &Database, place: &DatabaseArgs) -> Done<Self> {
        let (files, folders) = (files::open(place)?, files::folders(place));
        let store = database.store().await?;
        let projections = Projections::start(store.clone());
        let listener = tokio::spawn(listen::listen(store.clone(), Way::Url(database.url().clone())));
        Ok(Self {
            store,
            projections,
            files,
            folders,
            keys: database.keys().clone(),
            reach: database.reach().clone(),
            listener,
        })
    }

    /// Delivers emails, and answers HTTP until somebody asks to end; then takes no new connection and ends the requests under way.
    pub async fn serve(
        &self,
        sockets: Sockets,
        clock: &Clock,
        signals: &Signals,
        mail: &Settings,
        hosting: &Hosting,
        limits: &Limits,
    ) -> Done {
        let metrics = PrometheusBuilder::new().install_recorder().map_err(Failure::new)?;
        let executor = Executor::new(self.store.clone(), clock.clone());
        rollbook_http::describe_metrics();
        rollbook_mail::describe_metrics();
        let (projections, store) = (self.projections.clone(), self.store.clone());
        let mailer = Mailer::try_new(projections, store, clock.clone(), mail).map_err(Failure::new)?;
        let mailing = Mailing::start(mailer);
        let (measured, at, kept) = (self.projections.clone(), clock.clone(), metrics.clone());
        let measuring = move || measure(measured.clone(), at.clone(), kept.clone());
        let measuring = tokio::spawn(unbroken("measuring", measuring));
        let installation = Installation::open(Setup {
            examiner: Examiner::new(hosting.scanner(), PictureWorker::own()),
            metrics: Some(metrics),
            super_admins: hosting.super_admins.clone(),
            super_admin_second_factor: hosting.super_admin_second_factor,
            unknown_hosts: hosting.unknown_hosts(),
            limits: limits.clone(),
            accounts: AccountSettings {
                public_url: mail.public_url.clone().filter(|url| !url.trim().is_empty()),
                providers: hosting.providers()?,
            },
            room: Room::new(self.folders.clone(), limits.disk_reserve),
            keys: self.keys.clone(),
            reach: self.reach.clone(),
            deliver: Some(Arc::new(Delivering(mail.clone()))),
            ..Setup::new(executor, self.projections.clone(), self.files.clone())
        })
        .await?;
        let followed = installation.clone();
        let following = tokio::spawn(async move { followed.follow().await });
        let cleaned = installation.clone();
        let cleaning = tokio::spawn(unbroken("the clean-up", move || clean_up(cleaned.clone())));
        let (asked, served) = (signals.clone(), installation.clone());
        let serving = rollbook_http::serve(sockets.everybody, installation.router(), limits, async move {
            asked.asked().await;
            served.end();
        });
        let [connections, connections_per_address] = WATCHED;
        let of_watched = Limits { connections, connections_per_address, ..limits.clone() };
        let watched = async {
            let Some(socket) = sockets.watched else { return };
            rollbook_http::serve(socket, installation.watched_router(), &of_watched, signals.asked()).await;
        };
        let serving = async { tokio::join!(serving, watched) };
        tokio::select! {
            ((), ()) = serving => {}
            () = async { signals.asked().await; tokio::time::sleep(LAST_REQUESTS).await } => {
                output::say(&format!("requests still under way after {} s were broken off", LAST_REQUESTS.as_secs()));
            }
        }
        following.abort();
        measuring.abort();
        cleaning.abort();
        installation.close().await;
        mailing.stop().await;
        Ok(())
    }

    /// Stops following the log.
    pub async fn stop(self) {
        self.projections.stop().await;
        self.listener.abort();
        self.store.close().await;
    }
}

/// Keeps the metrics that nothing sets on its way, and folds what the others have collected, until it is broken off.
async fn measure(projections: Projections, clock: Clock, metrics: PrometheusHandle) {
    let mut every = tokio::time::interval(MEASURE);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        metrics.run_upkeep();
        if let Err(error) = projections.measure(clock.now()).await {
            tracing::warn!(%error, "how far the read models are could not be measured");
        }
    }
}

/// Takes away the uploads that nobody used and what has run out of accounts, now and then, until it is broken off.
async fn clean_up(installation: Installation) {
    let mut every = tokio::time::interval(CLEAN_UP);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        for (state, in_use) in installation.at_hand() {
            let site = state.site();
            // It ends by itself, and what a school's own server breaks ends with it.
            if let Err(error) = apart(async move { rollbook_http::clean_up(&state).await }).await {
                tracing::warn!(%site, %error, "what has run out cannot be taken away yet");
            }
            drop(in_use);
        }
    }
}

/// How many connections wait to be taken, as far as the system allows: where that line is full, the next client tries again
/// after a second.
const WAITING_TO_CONNECT: u32 = 4_096;

/// Takes the address, or says why it cannot be had.
pub fn bind(address: SocketAddr) -> Done<TcpListener> {
    listener(address).map_err(|error| {
        Failure::new(match error.kind() {
            ErrorKind::AddrInUse => {
                let other = address.port().checked_add(1).unwrap_or(8081);
                format!(
                    "{address} is in use by another program. End that one, or listen elsewhere: \
                     --listen {}:{other}",
                    address.ip()
                )
            }
            ErrorKind::AddrNotAvailable => format!("{address} is no address of this machine"),
            ErrorKind::PermissionDenied => {
                format!("{address} may not be listened on by this user; ports from 1024 may")
            }
            _ => format!("cannot listen on {address}: {error}"),
        })
    })
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A service that was just ended leaves its address free for the next one.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING_TO_CONNECT)
}

/// The URL of an address that is listened on.
pub fn url(socket: &TcpListener) -> Done<String> {
    Ok(format!("http://{}", socket.local_addr()?))
}
