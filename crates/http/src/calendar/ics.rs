//! Sessions as an iCalendar (RFC 5545). The same sessions give the same bytes; it looks nothing up.

use std::collections::BTreeMap;

use calcard::common::PartialDateTime;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarParameter, ICalendarProperty, ICalendarStatus,
    ICalendarValue,
};
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use rollbook_domain::cohort::SessionStatus;
use rollbook_projections::models::cohorts::{CohortItem, SessionItem};

use super::zone::{Span, vtimezone};

/// How long a calendar program may keep what it fetched.
const REFRESH: &str = "PT1H";

/// A calendar of the cohorts' sessions.
pub fn calendar(name: &str, cohorts: &[CohortItem]) -> Result<String, std::fmt::Error> {
    let mut whole = ICalendarComponent::new(ICalendarComponentType::VCalendar);
    whole.add_property(ICalendarProperty::Version, text("2.0"));
    whole.add_property(ICalendarProperty::Prodid, text("-//Rollbook//Rollbook//EN"));
    whole.add_property(ICalendarProperty::Calscale, text("GREGORIAN"));
    whole.add_property(ICalendarProperty::Name, text(name));
    // What programs read that do not know RFC 7986.
    whole.add_property(other("X-WR-CALNAME"), text(name));
    let duration = ICalendarParameter::value("DURATION".to_owned());
    whole.add_property_with_params(ICalendarProperty::RefreshInterval, [duration], text(REFRESH));
    whole.add_property(other("X-PUBLISHED-TTL"), text(REFRESH));
    let mut tree = Tree(ICalendar { components: vec![whole] });
    for (zone, spans) in spans(cohorts).into_values() {
        let (whole, parts) = vtimezone(zone, spans);
        let place = tree.add(0, whole);
        for part in parts {
            tree.add(place, part);
        }
    }
    for cohort in cohorts {
        for session in &cohort.sessions {
            tree.add(0, event(cohort, session));
        }
    }
    let mut written = String::new();
    tree.0.write_to(&mut written)?;
    Ok(written)
}

/// A date and time without a zone.
pub fn moment(local: NaiveDateTime) -> ICalendarValue {
    ICalendarValue::PartialDateTime(Box::new(PartialDateTime {
        year: u16::try_from(local.year()).ok(),
        month: small(local.month()),
        day: small(local.day()),
        hour: small(local.hour()),
        minute: small(local.minute()),
        second: small(local.second()),
        ..PartialDateTime::default()
    }))
}

/// A part of a date or a time: none has more than two digits.
fn small(part: u32) -> Option<u8> {
    u8::try_from(part).ok()
}

/// Components know their children by their places in one list.
struct Tree(ICalendar);

impl Tree {
    fn add(&mut self, parent: u32, child: ICalendarComponent) -> u32 {
        // A calendar of four thousand million components is out of reach of what a site can hold.
        let place = u32::try_from(self.0.components.len()).unwrap_or(u32::MAX);
        self.0.components.push(child);
        if let Some(parent) = self.0.components.get_mut(parent as usize) {
            parent.component_ids.push(place);
        }
        place
    }
}

/// When the sessions of all cohorts in a zone are, each from its beginning to its end.
fn spans(cohorts: &[CohortItem]) -> BTreeMap<&'static str, (Tz, Vec<Span>)> {
    let mut spans = BTreeMap::new();
    for cohort in cohorts {
        for SessionItem { session, .. } in &cohort.sessions {
            let zone = cohort.timezone.tz();
            let (_, spans) = spans.entry(zone.name()).or_insert((zone, Vec::new()));
            spans.push((session.starts_at, ends_at(session.starts_at, session.minutes)));
        }
    }
    spans
}

/// A session. A change of it raises the revision, so that programs take the new one for the same session (RFC 5546, 2.1.4).
fn event(cohort: &CohortItem, SessionItem { week, session }: &SessionItem) -> ICalendarComponent {
    let zone = cohort.timezone.tz();
    let local = |at: DateTime<Utc>| moment(at.with_timezone(&zone).naive_local());
    let tzid = || [ICalendarParameter::tzid(zone.name().to_owned())];
    let changed = || {
        ICalendarValue::PartialDateTime(Box::new(PartialDateTime::from_utc_timestamp(session.changed_at.timestamp())))
    };
    let mut event = ICalendarComponent::new(ICalendarComponentType::VEvent);
    event.add_uid(&format!("week-{week}.{}@rollbook", cohort.cohort_id));
    event.add_property(ICalendarProperty::Dtstamp, changed());
    event.add_property(ICalendarProperty::LastModified, changed());
    event.add_sequence(session.revision.into());
    event.add_property_with_params(ICalendarProperty::Dtstart, tzid(), local(session.starts_at));
    event.add_property_with_params(
        ICalendarProperty::Dtend,
        tzid(),
        local(ends_at(session.starts_at, session.minutes)),
    );
    event.add_property(ICalendarProperty::Summary, text(&format!("{}, week {week} ({})", cohort.module, cohort.name)));
    let status = match session.status {
        SessionStatus::Cancelled => ICalendarStatus::Cancelled,
        SessionStatus::Scheduled | SessionStatus::Rescheduled => ICalendarStatus::Confirmed,
    };
    event.add_property(ICalendarProperty::Status, ICalendarValue::Status(status));
    if session.starts_at != session.planned_at {
        let planned = session.planned_at.with_timezone(&zone).format("%A %-d %B %Y, %H:%M");
        event.add_property(ICalendarProperty::Description, text(&format!("Moved. It was planned for {planned}.")));
    }
    event
}

fn ends_at(starts_at: DateTime<Utc>, minutes: u16) -> DateTime<Utc> {
    starts_at.checked_add_signed(TimeDelta::minutes(minutes.into())).unwrap_or(starts_at)
}

fn text(text: &str) -> ICalendarValue {
    ICalendarValue::Text(text.to_owned())
}

fn other(name: &str) -> ICalendarProperty {
    ICalendarProperty::Other(name.to_owned())
}
