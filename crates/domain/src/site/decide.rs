//! What may happen to a site, as pure functions of its state.

use std::collections::BTreeSet;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use super::{OpenSite, SetSiteHosts, Site, SiteCommand, SiteDatabase, SiteEvent, SiteFacts, SiteHost, SiteRule, Slug};
use crate::actor::{Asked, By};
use crate::claim::{ClaimChanges, ClaimKey};
use crate::ids::SiteId;
use crate::plan::Claims;

impl Site {
    /// The events that a command causes now, or the rule that refuses it.
    pub fn decide(&self, command: &SiteCommand, _by: &By, facts: &SiteFacts) -> Result<Vec<SiteEvent>, SiteRule> {
        match command {
            SiteCommand::OpenSite(c) => open(c, facts),
            SiteCommand::SetSiteHosts(c) => self.set_hosts(c, facts),
            SiteCommand::RenameSite(c) if c.name.as_str() == self.name => Ok(Vec::new()),
            SiteCommand::RenameSite(c) => Ok(vec![SiteEvent::SiteRenamed { name: c.name.as_str().to_owned() }]),
            SiteCommand::CloseSite(c) if c.site_id == SiteId::DEFAULT => Err(SiteRule::DefaultSiteStays),
            SiteCommand::CloseSite(_) if self.closed => Ok(Vec::new()),
            SiteCommand::CloseSite(c) => Ok(vec![SiteEvent::SiteClosed { reason: c.reason.reveal().into() }]),
            SiteCommand::ReopenSite(_) if !self.closed => Ok(Vec::new()),
            SiteCommand::ReopenSite(_) => Ok(vec![SiteEvent::SiteReopened {}]),
            SiteCommand::GiveSiteDatabase(_) => match self.database {
                SiteDatabase::Shared => Err(SiteRule::SiteDatabaseNotWanted),
                // Until it is set up it may be given again: a wrong one was named.
                SiteDatabase::Wanted | SiteDatabase::Given => Ok(vec![SiteEvent::SiteDatabaseGiven {}]),
                SiteDatabase::Active => Err(SiteRule::SiteDatabaseGivenAlready),
            },
            SiteCommand::ActivateSite(_) => match self.database {
                SiteDatabase::Shared => Err(SiteRule::SiteDatabaseNotWanted),
                SiteDatabase::Wanted => Err(SiteRule::SiteDatabaseMissing),
                SiteDatabase::Given => Ok(vec![SiteEvent::SiteActivated {}]),
                SiteDatabase::Active => Ok(Vec::new()),
            },
        }
    }

    fn set_hosts(&self, command: &SetSiteHosts, facts: &SiteFacts) -> Result<Vec<SiteEvent>, SiteRule> {
        let hosts: Vec<SiteHost> = command.hosts.iter().map(SiteHost::from).collect();
        let taken =
            |host: &&SiteHost| facts.host_owners.get(&host.host).is_some_and(|owner| Some(*owner) != facts.site_id);
        if let Some(SiteHost { host, .. }) = hosts.iter().find(taken) {
            return Err(SiteRule::HostTaken { host: host.clone() });
        }
        Ok(if hosts == self.hosts { Vec::new() } else { vec![SiteEvent::SiteHostsSet { hosts }] })
    }
}

fn open(command: &OpenSite, facts: &SiteFacts) -> Result<Vec<SiteEvent>, SiteRule> {
    let slug = command.slug.as_str();
    if facts.slug_owner.is_some() || slug == Slug::DEFAULT {
        return Err(SiteRule::SlugTaken { slug: slug.to_owned() });
    }
    let mut events = vec![SiteEvent::SiteOpened {
        slug: slug.to_owned(),
        name: command.name.as_str().to_owned(),
        owner_email: command.owner_email.reveal().into(),
        owner_name: command.owner_name.as_ref().map(|name| name.reveal().into()),
        owner_id: command.owner_id,
    }];
    if command.own_database {
        events.push(SiteEvent::SiteDatabaseWanted {});
    }
    Ok(events)
}

impl Claims for Site {
    type Id = SiteId;

    /// A closed site keeps its slug and its hosts: nobody else answers there meanwhile.
    fn claims(&self, id: SiteId, event: &SiteEvent, changes: &mut ClaimChanges) {
        match event {
            SiteEvent::SiteOpened { slug, .. } => changes.take(ClaimKey::site_slug(slug), id),
            SiteEvent::SiteHostsSet { hosts } => {
                let before: BTreeSet<&str> = self.hosts.iter().map(|host| host.host.as_str()).collect();
                let after: BTreeSet<&str> = hosts.iter().map(|host| host.host.as_str()).collect();
                after.difference(&before).for_each(|host| changes.take(ClaimKey::site_host(host), id));
                before.difference(&after).for_each(|host| changes.release(ClaimKey::site_host(host)));
            }
            SiteEvent::SiteRenamed { .. }
            | SiteEvent::SiteClosed { .. }
            | SiteEvent::SiteReopened {}
            | SiteEvent::SiteDatabaseWanted {}
            | SiteEvent::SiteDatabaseGiven {}
            | SiteEvent::SiteActivated {} => {}
        }
    }
}

impl Aggregate for Site {
    const TYPE: &'static str = "site";
    type Command = Asked<SiteCommand, SiteFacts>;
    type Event = SiteEvent;
    type Error = SiteRule;
    type Services = ();

    async fn handle(&mut self, asked: Self::Command, (): &(), sink: &EventSink<Self>) -> Result<(), SiteRule> {
        for event in self.decide(&asked.command, &asked.by, &asked.facts)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: SiteEvent) {
        self.apply_event(&event);
    }
}
