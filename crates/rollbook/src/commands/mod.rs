//! The subcommands, one file each. Every one of them works on an open database, which is closed again whatever happens.

pub mod audit;
pub mod database_url;
pub mod events;
pub mod explain;
pub mod export;
pub mod import;
pub mod invite;
pub mod load;
pub mod migrate;
pub mod parked;
pub mod projections;
pub mod replay;
pub mod report;
pub mod serve;
pub mod sites;
pub mod token;

use crate::cli::{Cli, Command, Demo, Serve, Sites, keys};
use crate::clock::clock;
use crate::database::Database;
use crate::demo;
use crate::failure::{Done, Failure};
use crate::signals::Signals;

/// Carries a command line out.
pub async fn run(cli: Cli) -> Done {
    let Cli { command, place } = cli;
    if let Command::Sites(Sites::NewKey) = command {
        return sites::new_key();
    }
    let clock = clock(place.clock);
    let signals = Signals::listen()?;
    let runs_for_long = matches!(command, Command::Serve(_) | Command::Demo(_));
    // What cannot be is told before anything is started.
    if let Command::Serve(Serve { mail, .. }) | Command::Demo(Demo { mail, .. }) = &command {
        mail.settings(&place).check().map_err(Failure::new)?;
    }
    if let Command::Serve(Serve { hosting, .. }) = &command {
        hosting.providers()?;
    }
    let (keys, reach) = (keys()?, place.reach()?);
    let database = signals.unless_asked(Database::open(&place, keys, reach, runs_for_long)).await?;
    let done = match command {
        Command::Serve(arguments) => {
            let mail = arguments.mail.settings(&place);
            serve::run(&database, &place, &clock, &signals, &arguments, &mail).await
        }
        Command::Demo(arguments) => {
            let mail = arguments.mail.settings(&place);
            Box::pin(demo::run(&database, &place, &clock, &signals, &arguments, &mail)).await
        }
        Command::Migrate => signals.unless_asked(migrate::run(&database)).await,
        Command::Load(arguments) => signals.unless_asked(load::run(&database, &place, &arguments)).await,
        Command::DatabaseUrl(arguments) => database_url::run(&database, &arguments),
        Command::Token(arguments) => signals.unless_asked(token::run(&database, &clock, &place.site, &arguments)).await,
        Command::Invite(arguments) => {
            signals.unless_asked(invite::run(&database, &clock, &place.site, &arguments)).await
        }
        Command::Import(asked) => signals.unless_asked(import::run(&database, &clock, &place.site, &asked)).await,
        Command::Audit(arguments) => signals.unless_asked(audit::run(&database, &place.site, &arguments)).await,
        Command::Explain(arguments) => signals.unless_asked(explain::run(&database, &place.site, &arguments)).await,
        Command::Export(arguments) => signals.unless_asked(export::run(&database, &place.site, &arguments)).await,
        Command::Report(command) => signals.unless_asked(report::run(&database, &place.site, &command)).await,
        Command::Events(arguments) => signals.unless_asked(events::run(&database, &place.site, &arguments)).await,
        Command::Sites(command) => signals.unless_asked(sites::run(&database, &clock, &command)).await,
        Command::Projections(command) => signals.unless_asked(projections::run(&database, &place.site, &command)).await,
    };
    let closed = database.close().await;
    done.and(closed)
}
