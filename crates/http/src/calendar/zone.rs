//! A time zone as iCalendar wants it: a `VTIMEZONE` with every change of the clocks around sessions (RFC 5545, 3.6.5). Where there
//! is none for long, changes are left out: they would be looked for day by day, and nothing is said of those days.
//!
//! The changes are listed one by one, as the time zone database has them. No rule is derived from them: a rule would
//! promise what a government may change.

use calcard::icalendar::ICalendarComponentType::{Daylight, Standard};
use calcard::icalendar::{ICalendarComponent, ICalendarComponentType, ICalendarProperty, ICalendarValue};
use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{OffsetComponents, OffsetName, Tz};

use super::ics::moment;

/// Clocks do not change twice within this.
const STEP: TimeDelta = TimeDelta::days(1);

/// How far sessions may lie apart for the changes of the clocks between them to be listed.
const APART: TimeDelta = TimeDelta::days(31);

/// From an instant to another.
pub type Span = (DateTime<Utc>, DateTime<Utc>);

/// What clocks show from an instant on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Observance {
    /// The first instant, by the clocks as they went before.
    onset: NaiveDateTime,
    /// Seconds ahead of UTC before.
    before: i32,
    /// Seconds ahead of UTC from then on.
    after: i32,
    /// Whether it is summer time.
    daylight: bool,
    /// Such as `AEDT`.
    name: String,
}

/// The zone's component and those inside it, for instants of the spans.
pub fn vtimezone(zone: Tz, spans: Vec<Span>) -> (ICalendarComponent, Vec<ICalendarComponent>) {
    let mut whole = ICalendarComponent::new(ICalendarComponentType::VTimezone);
    whole.add_property(ICalendarProperty::Tzid, ICalendarValue::Text(zone.name().to_owned()));
    let observances = stretches(spans).into_iter().flat_map(|stretch| observances(zone, stretch));
    (whole, observances.map(component).collect())
}

/// The spans in their order, as one where they follow closely.
fn stretches(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut stretches: Vec<Span> = Vec::new();
    for (from, to) in spans {
        match stretches.last_mut() {
            Some((_, end)) if from.signed_duration_since(*end) <= APART => *end = to.max(*end),
            _ => stretches.push((from, to)),
        }
    }
    stretches
}

fn component(observance: Observance) -> ICalendarComponent {
    let Observance { onset, before, after, daylight, name } = observance;
    let mut part = ICalendarComponent::new(if daylight { Daylight } else { Standard });
    part.add_property(ICalendarProperty::Dtstart, moment(onset));
    part.add_property(ICalendarProperty::Tzoffsetfrom, ICalendarValue::Text(ahead(before)));
    part.add_property(ICalendarProperty::Tzoffsetto, ICalendarValue::Text(ahead(after)));
    part.add_property(ICalendarProperty::Tzname, ICalendarValue::Text(name));
    part
}

/// The one that holds at the beginning of the span, and every change in it.
fn observances(zone: Tz, (from, to): Span) -> Vec<Observance> {
    let mut found = vec![observance(zone, from, offset(zone, from))];
    let mut at = from;
    while at < to {
        let Some(next) = at.checked_add_signed(STEP) else { break };
        if offset(zone, at) != offset(zone, next) {
            found.push(observance(zone, change(zone, at, next), offset(zone, at)));
        }
        at = next;
    }
    found
}

/// The first second after `before`, and not after `after`, at which the clocks go as at `after`.
fn change(zone: Tz, before: DateTime<Utc>, after: DateTime<Utc>) -> DateTime<Utc> {
    let (mut low, mut high) = (before.timestamp(), after.timestamp());
    let wanted = offset(zone, after);
    while high - low > 1 {
        let middle = low.midpoint(high);
        let instant = Utc.timestamp_opt(middle, 0).single().unwrap_or(after);
        if offset(zone, instant) == wanted { high = middle } else { low = middle }
    }
    Utc.timestamp_opt(high, 0).single().unwrap_or(after)
}

fn observance(zone: Tz, at: DateTime<Utc>, before: i32) -> Observance {
    let offset = zone.offset_from_utc_datetime(&at.naive_utc());
    Observance {
        onset: at.naive_utc() + TimeDelta::seconds(before.into()),
        before,
        after: offset.fix().local_minus_utc(),
        daylight: !offset.dst_offset().is_zero(),
        name: offset.abbreviation().unwrap_or_else(|| zone.name()).to_owned(),
    }
}

/// Seconds ahead of UTC.
fn offset(zone: Tz, at: DateTime<Utc>) -> i32 {
    zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
}

/// `+1030`; with seconds only where there are any.
fn ahead(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes, rest) = (seconds.abs() / 3600, seconds.abs() / 60 % 60, seconds.abs() % 60);
    if rest == 0 { format!("{sign}{hours:02}{minutes:02}") } else { format!("{sign}{hours:02}{minutes:02}{rest:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(instant: &str) -> DateTime<Utc> {
        instant.parse().unwrap()
    }

    fn changes(zone: Tz, from: &str, to: &str) -> Vec<(String, String, String, bool)> {
        let found = observances(zone, (at(from), at(to))).into_iter();
        found.map(|o| (o.onset.to_string(), ahead(o.before), ahead(o.after), o.daylight)).collect()
    }

    #[test]
    fn lists_every_change_by_the_clocks_as_they_went_before() {
        let sydney = changes(chrono_tz::Australia::Sydney, "2026-02-03T08:00:00Z", "2026-11-01T00:00:00Z");
        let expected = [
            ("2026-02-03 19:00:00", "+1100", "+1100", true),
            ("2026-04-05 03:00:00", "+1100", "+1000", false),
            ("2026-10-04 02:00:00", "+1000", "+1100", true),
        ];
        assert_eq!(sydney, expected.map(|(a, b, c, d)| (a.to_owned(), b.to_owned(), c.to_owned(), d)));
    }

    #[test]
    fn what_is_far_from_every_session_is_passed_over() {
        let span = |from: &str, to: &str| (at(from), at(to));
        let spans = vec![
            span("2200-12-30T08:00:00Z", "2200-12-30T10:00:00Z"),
            span("1970-01-06T08:00:00Z", "1970-01-06T10:00:00Z"),
            span("1970-01-13T08:00:00Z", "1970-01-13T10:00:00Z"),
            span("1970-01-06T08:00:00Z", "1970-02-13T10:00:00Z"),
        ];
        let expected = [
            span("1970-01-06T08:00:00Z", "1970-02-13T10:00:00Z"),
            span("2200-12-30T08:00:00Z", "2200-12-30T10:00:00Z"),
        ];
        assert_eq!(stretches(spans.clone()), expected);
        let (_, parts) = vtimezone(chrono_tz::Australia::Sydney, spans);
        assert_eq!(parts.len(), 2, "what holds at the beginning of each, and 230 years of changes are not looked for");
        assert!(stretches(Vec::new()).is_empty());
    }

    #[test]
    fn knows_zones_whose_clocks_never_change_and_odd_offsets() {
        assert_eq!(changes(chrono_tz::UTC, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z").len(), 1);
        let lord_howe = changes(chrono_tz::Australia::Lord_Howe, "2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z");
        assert_eq!((lord_howe[1].1.as_str(), lord_howe[1].2.as_str()), ("+1100", "+1030"));
        assert_eq!(ahead(-12_345), "-032545");
    }
}
