//! `rollbook sites`: which schools the installation has, and the same commands about them that super admins issue over HTTP.
//! A service that is running follows them within a moment.

use std::io::{IsTerminal, stdin};

use rollbook_domain::site::{GivenHost, OpenSite, SetSiteHosts, SiteDatabase, Slug};
use rollbook_domain::{Actor, Command, Personal, SiteId};
use rollbook_http::SiteDatabases;
use rollbook_projections::models::sites;
use rollbook_store::keys::Keys;
use rollbook_store::site_databases::RotateError;
use rollbook_store::{Clock, EventStore, Executor, Request};
use secrecy::{ExposeSecret, SecretString};

use crate::catch_up::catch_up;
use crate::cli::{Given, Open, Sites};
use crate::database::Database;
use crate::failure::{Done, Failure};
use crate::output;
use crate::sites::by_slug;
use crate::table::table;

/// Carries one of them out.
pub async fn run(database: &Database, clock: &Clock, asked: &Sites) -> Done {
    let store = database.store().await?;
    let executor = Executor::new(store.clone(), clock.clone());
    match asked {
        Sites::List => list(&store).await,
        Sites::Open(asked) => open(&executor, asked).await,
        Sites::Hosts(asked) => {
            let site = by_slug(&store, &asked.slug).await?;
            hosts(&executor, site, &asked.slug, &asked.hosts).await
        }
        Sites::Database(Given { slug }) => {
            let site = by_slug(&store, slug).await?;
            let databases = SiteDatabases::new(executor, database.keys().clone(), database.reach().clone());
            give(&databases, site, slug).await
        }
        Sites::NewKey => new_key(),
        Sites::RotateKeys => rotate(database, &store).await,
    }
}

async fn list(store: &EventStore) -> Done {
    catch_up(store).await?;
    let mut shown = table(&["slug", "name", "hosts", "database", "id"]);
    for site in sites::every(store.pool()).await? {
        let hosts: Vec<_> = site.hosts.iter().map(|host| format!("{} ({})", host.host, host.admits)).collect();
        let closed = if site.closed { " (closed)" } else { "" };
        let database = match site.holding() {
            SiteDatabase::Shared => "shared".to_owned(),
            SiteDatabase::Active => "its own".to_owned(),
            state => format!("its own ({state})"),
        };
        shown.add_row([site.slug, site.name + closed, hosts.join("\n"), database, site.site_id.to_string()]);
    }
    output::line(&shown.trim_fmt())
}

async fn open(executor: &Executor, asked: &Open) -> Done {
    let command = OpenSite {
        site_id: None,
        slug: asked.slug.clone(),
        name: asked.name.clone(),
        owner_email: Personal::new(asked.owner_email.clone()),
        owner_name: asked.owner_name.clone().map(Personal::new),
        owner_id: None,
        own_database: asked.own_database,
    };
    execute(executor, command.into()).await?;
    let store = executor.store();
    let site = by_slug(store, &asked.slug).await?;
    // A database of its own gets its owner when it is set up.
    if !asked.own_database {
        rollbook_http::ensure_owner(executor, site, &store.site(site).await?.state).await?;
    }
    output::line(&format!("opened {}, {site}; its owner is {}", asked.slug.as_str(), asked.owner_email.as_str()))?;
    if asked.hosts.is_empty() { Ok(()) } else { hosts(executor, site, &asked.slug, &asked.hosts).await }
}

async fn hosts(executor: &Executor, site: SiteId, slug: &Slug, hosts: &[GivenHost]) -> Done {
    execute(executor, SetSiteHosts { site_id: site, hosts: hosts.to_vec() }.into()).await?;
    let named: Vec<_> = hosts.iter().map(|given| format!("{} ({})", given.host, given.admits)).collect();
    let named = if named.is_empty() { "no host".to_owned() } else { named.join(", ") };
    output::line(&format!("{} answers on {named}", slug.as_str()))
}

/// The URL comes from standard input: whoever lists processes would see an argument, and a shell keeps it.
async fn give(databases: &SiteDatabases, site: SiteId, slug: &Slug) -> Done {
    if stdin().is_terminal() {
        output::say("the URL of the database, and Enter:");
    }
    let mut url = String::new();
    stdin().read_line(&mut url)?;
    let url = SecretString::from(url.trim());
    databases.give(site, Actor::System, &url).await?;
    output::line(&format!("{} has a database of its own, and answers from it", slug.as_str()))
}

/// Prints a new key and nothing else.
pub fn new_key() -> Done {
    output::line(Keys::new_entry().expose_secret())
}

async fn rotate(database: &Database, store: &EventStore) -> Done {
    let keys = database.keys();
    let sealed = match store.rotate_keys(keys).await {
        Err(RotateError::Sealed { site, error }) => {
            let slug = sites::get(store.pool(), site).await?.map_or_else(|| site.to_string(), |site| site.slug);
            return Err(Failure::new(format!("the database of {slug}: {error}. Nothing was sealed anew")));
        }
        rotated => rotated.map_err(Failure::new)?,
    };
    let key = keys.first().map_err(Failure::new)?;
    let databases = if sealed == 1 { "1 database is" } else { &format!("{sealed} databases are") };
    let mut codes = store.reseal_totps(keys).await.map_err(Failure::new)?;
    for own in database.own_stores(store).await? {
        codes += own.reseal_totps(keys).await.map_err(Failure::new)?;
    }
    output::line(&format!("{databases} sealed under the key {key}"))?;
    if codes > 0 {
        output::line(&format!("what {codes} people's codes are made from is sealed anew"))?;
    }
    Ok(())
}

async fn execute(executor: &Executor, command: Command) -> Done {
    let site = SiteId::DEFAULT;
    let actor = Actor::System;
    executor.execute(Request { site, actor, command, command_id: None, if_match: None, correlation_id: None }).await?;
    Ok(())
}
