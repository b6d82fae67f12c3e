//! What may be settled about a site, as a pure function of what was settled before.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use super::{SettingValue, SiteSettings, SiteSettingsCommand, SiteSettingsEvent, SiteSettingsRule};
use crate::actor::{Asked, By};
use crate::claim::ClaimChanges;
use crate::ids::SiteSettingsId;
use crate::plan::Claims;

impl SiteSettings {
    /// The events that a command causes now.
    pub fn decide(&self, command: &SiteSettingsCommand, _by: &By) -> Result<Vec<SiteSettingsEvent>, SiteSettingsRule> {
        let SiteSettingsCommand::SetSiteSetting(command) = command;
        let setting = SettingValue::from(&command.setting);
        Ok(if self.has(&setting) { Vec::new() } else { vec![SiteSettingsEvent::SiteSettingSet { setting }] })
    }
}

impl Claims for SiteSettings {
    type Id = SiteSettingsId;

    /// Settings claim nothing.
    fn claims(&self, _: SiteSettingsId, _: &SiteSettingsEvent, _: &mut ClaimChanges) {}
}

impl Aggregate for SiteSettings {
    const TYPE: &'static str = "site_settings";
    type Command = Asked<SiteSettingsCommand>;
    type Event = SiteSettingsEvent;
    type Error = SiteSettingsRule;
    type Services = ();

    async fn handle(&mut self, asked: Self::Command, (): &(), sink: &EventSink<Self>) -> Result<(), SiteSettingsRule> {
        for event in self.decide(&asked.command, &asked.by)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: SiteSettingsEvent) {
        self.apply_event(&event);
    }
}
