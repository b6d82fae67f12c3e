//! `rollbook demo`: an invented cohort of 68, played through the same commands that HTTP takes, shown, and served.

mod calendar;
mod cast;
mod evening;
mod fixture;
mod ids;
mod invitation;
mod next_day;
mod opening;
mod pattern;
mod play;
mod post;
mod stage;
mod syllabus;
mod tables;
mod weekly;
mod writing;

use std::time::{Duration, Instant};

use rollbook_http::Limits;
use rollbook_mail::Settings;
use rollbook_store::Clock;
use tokio::net::TcpListener;

use crate::cli::{DatabaseArgs, Demo, Hosting};
use crate::database::Database;
use crate::failure::{Done, Failure};
use crate::output;
use crate::service::{Service, Sockets, bind, url};
use crate::signals::Signals;
use fixture::Fixture;

/// How long the read models may take to come up to the play.
const CATCH_UP: Duration = Duration::from_mins(1);

/// Plays, shows, serves.
pub async fn run(
    database: &Database,
    place: &DatabaseArgs,
    clock: &Clock,
    signals: &Signals,
    arguments: &Demo,
    mail: &Settings,
) -> Done {
    // Whoever cannot be served afterwards hears of it before the play.
    let socket = if arguments.exit { None } else { Some(bind(arguments.listen)?) };
    let service = Service::start(database, place).await?;
    let limits = arguments.limiting.limits();
    // It holds all that the service does, which is much for one stack.
    let done = Box::pin(perform(&service, database, clock, signals, socket, mail, &limits)).await;
    service.stop().await;
    done
}

async fn perform(
    service: &Service,
    database: &Database,
    clock: &Clock,
    signals: &Signals,
    socket: Option<TcpListener>,
    mail: &Settings,
    limits: &Limits,
) -> Done {
    let fixture = Fixture::load()?;
    let mail = &post::as_files(mail);
    let store = &service.store;
    let began = Instant::now();
    database.tell_place();
    let played = signals.unless_asked(play::play(service, &fixture, mail, clock.now())).await?;
    let last = played.last_session.format("%A %-d %B %Y");
    if played.commands == 0 {
        output::say(&format!("Taking up the cohort that was played before; its seventh session was on {last}."));
    } else {
        let (commands, seconds) = (played.commands, began.elapsed().as_secs_f32());
        output::say(&format!("{commands} commands in {seconds:.1} s; the seventh session was on {last}."));
    }
    let show = async {
        let head = store.head().await?;
        service.projections.wait_for(head, CATCH_UP).await.map_err(Failure::new)?;
        tables::show(store, &fixture, &played.cast).await?;
        weekly::show(store, &played.cast, mail, clock.now()).await
    };
    signals.unless_asked(show).await?;
    let Some(socket) = socket else {
        return output::line("\n`rollbook demo` without --exit serves this, and prints tokens and lines to paste.");
    };
    invitation::print(store, &fixture, &played.cast, clock, &url(&socket)?).await?;
    let sockets = Sockets { everybody: socket, watched: None };
    service.serve(sockets, clock, signals, mail, &Hosting::default(), limits).await
}
