//! `rollbook serve`: the HTTP API, until Ctrl-C or SIGTERM.

use rollbook_mail::Settings;
use rollbook_store::{Clock, Executor};

use crate::bootstrap;
use crate::cli::{DatabaseArgs, Serve};
use crate::database::Database;
use crate::failure::Done;
use crate::output;
use crate::service::{Service, Sockets, bind, url};
use crate::signals::Signals;

/// Serves; prints the address when it answers.
pub async fn run(
    database: &Database,
    place: &DatabaseArgs,
    clock: &Clock,
    signals: &Signals,
    arguments: &Serve,
    mail: &Settings,
) -> Done {
    let watched = arguments.metrics_listen.map(bind).transpose()?;
    let sockets = Sockets { everybody: bind(arguments.listen)?, watched };
    let service = Service::start(database, place).await?;
    let served = async {
        let executor = Executor::new(service.store.clone(), clock.clone());
        if let Some(email) = &arguments.owner_email {
            bootstrap::owner(&executor, email).await?;
        }
        bootstrap::super_admins(&executor, &arguments.hosting.super_admins).await?;
        let named = arguments.owner_email.iter().map(|email| bootstrap::address(email));
        let mut named = named.collect::<Done<Vec<_>>>()?;
        named.extend_from_slice(&arguments.hosting.super_admins);
        bootstrap::release(&executor, &service.projections, &named).await?;
        database.tell_place();
        if let Some(watched) = &sockets.watched {
            output::line(&format!("metrics on {}", url(watched)?))?;
        }
        output::line(&format!("listening on {}", url(&sockets.everybody)?))?;
        service.serve(sockets, clock, signals, mail, &arguments.hosting, &arguments.limiting.limits()).await
    }
    .await;
    service.stop().await;
    served
}
