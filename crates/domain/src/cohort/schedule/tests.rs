//! Dates in time zones, tested on the days when clocks change.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeZone, Timelike, Utc};
use proptest::prelude::*;

use super::{Week, Zone};
use crate::given::instant;

const SYDNEY: Zone = Zone(chrono_tz::Australia::Sydney);

fn local(zone: Zone, text: &str) -> DateTime<Utc> {
    zone.instant(text.parse().expect("a local time"))
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

#[test]
fn sessions_stay_at_the_same_local_time_when_daylight_saving_begins() {
    let seven = NaiveTime::from_hms_opt(19, 0, 0).unwrap();
    let hours: Vec<_> = (1..=8).map(|week| SYDNEY.session(date("2025-08-19"), seven, week).hour()).collect();
    assert_eq!(hours, [9, 9, 9, 9, 9, 9, 9, 8]);
    assert_eq!(SYDNEY.session(date("2025-08-19"), seven, 8), instant("2025-10-07T08:00:00Z"));
}

#[test]
fn grace_ends_with_the_local_day_also_across_a_change_of_clocks() {
    // 25 March is in summer time (UTC+11), 8 April no more (UTC+10).
    let last = local(SYDNEY, "2025-03-25T19:00:00");
    assert_eq!(last, instant("2025-03-25T08:00:00Z"));
    assert_eq!(SYDNEY.end_of_grace(last, 14), instant("2025-04-08T14:00:00Z"));
}

#[test]
fn no_grace_is_the_end_of_the_sessions_own_local_day() {
    let last = local(SYDNEY, "2025-08-19T19:00:00");
    assert_eq!(SYDNEY.end_of_grace(last, 0), instant("2025-08-19T14:00:00Z"));
}

#[test]
fn a_local_time_that_is_leapt_over_is_the_first_instant_after_the_leap() {
    // At 02:00 on 5 October 2025 the clocks of Sydney show 03:00.
    let after = instant("2025-10-04T16:00:00Z");
    for leapt_over in ["2025-10-05T02:00:00", "2025-10-05T02:30:00", "2025-10-05T02:59:59"] {
        assert_eq!(local(SYDNEY, leapt_over), after, "{leapt_over}");
    }
    assert_eq!(local(SYDNEY, "2025-10-05T03:00:00"), after);
}

#[test]
fn a_local_time_that_comes_twice_is_the_first_of_the_two() {
    // At 03:00 on 6 April 2025 the clocks of Sydney show 02:00 again.
    assert_eq!(local(SYDNEY, "2025-04-06T02:30:00"), instant("2025-04-05T15:30:00Z"));
}

#[test]
fn a_day_that_begins_with_a_leap_begins_after_it() {
    // Beirut's clocks leap at midnight: 30 March 2025 begins at 01:00.
    let beirut = Zone(chrono_tz::Asia::Beirut);
    assert_eq!(beirut.day_begins(date("2025-03-30")), instant("2025-03-29T22:00:00Z"));
}

#[test]
fn a_whole_day_that_a_country_left_out_is_the_next_one() {
    // Samoa crossed the date line: there was no 30 December 2011.
    let apia = Zone(chrono_tz::Pacific::Apia);
    assert_eq!(local(apia, "2011-12-30T19:00:00"), local(apia, "2011-12-31T00:00:00"));
}

#[test]
fn a_zone_is_read_and_written_by_its_iana_name() {
    assert_eq!(serde_json::to_string(&SYDNEY).unwrap(), "\"Australia/Sydney\"");
    assert_eq!(serde_json::from_str::<Zone>("\"Australia/Sydney\"").unwrap(), SYDNEY);
    assert!(serde_json::from_str::<Zone>("\"Sydney\"").is_err());
}

#[test]
fn a_week_is_1_to_52() {
    for (week, valid) in [("0", false), ("1", true), ("52", true), ("53", false), ("-1", false), ("257", false)] {
        assert_eq!(serde_json::from_str::<Week>(week).is_ok(), valid, "{week}");
    }
}

fn any_zone() -> impl Strategy<Value = Zone> {
    (0..chrono_tz::TZ_VARIANTS.len()).prop_map(|index| Zone(chrono_tz::TZ_VARIANTS[index]))
}

proptest! {
    #[test]
    fn a_session_is_at_the_same_local_time_on_the_same_weekday_every_week(
        zone in any_zone(),
        day in 0u32..=230 * 365,
        minute in 0u32..24 * 60,
        week in 1u8..=52,
    ) {
        let starts_on = NaiveDate::from_num_days_from_ce_opt(719_163 + day.cast_signed()).expect("from 1970 on");
        let start = NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).expect("a minute of the day");
        let planned = (starts_on + chrono::Days::new(7 * u64::from(week - 1))).and_time(start);
        let session = zone.session(starts_on, start, week);
        let local = session.with_timezone(&zone.0).naive_local();
        if zone.0.from_local_datetime(&planned).earliest().is_some() {
            prop_assert_eq!(local, planned);
            prop_assert_eq!(local.weekday(), starts_on.weekday());
        } else {
            prop_assert!(local > planned);
            let before = (session - chrono::TimeDelta::seconds(1)).with_timezone(&zone.0).naive_local();
            // To the minute: Liberia once leapt by 44 minutes and 30 seconds.
            prop_assert!(before < planned + chrono::TimeDelta::minutes(1), "it is the first after the leap");
        }
    }

    #[test]
    fn grace_ends_at_the_beginning_of_a_local_day_after_the_session(
        zone in any_zone(),
        seconds in 0i64..7_258_118_400,
        grace_days in 0u16..=366,
    ) {
        let last = DateTime::from_timestamp(seconds, 0).expect("before 2200");
        let due = zone.end_of_grace(last, grace_days);
        prop_assert!(due > last);
        // A day left out by a country can be the one that grace ends with.
        let days = (zone.date(due) - zone.date(last)).num_days();
        prop_assert!((0..=1).contains(&(days - i64::from(grace_days) - 1)));
        prop_assert!(zone.date(due - chrono::TimeDelta::seconds(1)) < zone.date(due));
    }
}
