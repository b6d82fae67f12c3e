//! The limits of signing in, with a clock that stands where it is put.

use uuid::Uuid;

use super::*;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

fn address(number: u8) -> ClientAddress {
    ClientAddress(IpAddr::from([203, 0, 113, number]))
}

const HERE: SiteId = SiteId::DEFAULT;

/// Fails so many times; how many were taken on.
fn fail(limits: &Limits, times: u32, account: &str, from: ClientAddress, device: Option<&str>, minute: i64) -> u32 {
    let taken =
        (0..times).filter(|_| limits.attempt((HERE, account), from, device, at(minute)).map(Attempt::fail).is_ok());
    u32::try_from(taken.count()).unwrap()
}

#[test]
fn an_address_fails_ten_times_for_an_account_in_a_quarter_of_an_hour() {
    let limits = Limits::of_passwords();
    assert_eq!(fail(&limits, 12, "anna", address(1), None, 0), 10);
    let refused = limits.attempt((HERE, "anna"), address(1), None, at(5)).unwrap_err();
    assert_eq!(refused, AccountProblem::TooManyAttempts { retry_after: 601 });
    assert_eq!(fail(&limits, 1, "anna", address(2), None, 5), 1, "elsewhere");
    assert_eq!(fail(&limits, 1, "ben", address(1), None, 5), 1, "another account");
    assert_eq!(fail(&limits, 12, "anna", address(1), None, 15), 10, "afterwards");
}

#[test]
fn whoever_comes_back_to_fail_waits_twice_as_long_each_time_up_to_an_hour() {
    let limits = Limits::of_passwords();
    for (minute, wait) in [(0, 15), (15, 30), (45, 60), (105, 60)] {
        assert_eq!(fail(&limits, 12, "anna", address(1), None, minute), 10);
        let refused = limits.attempt((HERE, "anna"), address(1), None, at(minute)).unwrap_err();
        assert_eq!(refused, AccountProblem::TooManyAttempts { retry_after: wait * 60 + 1 });
    }
    // Whoever stays away for a while begins anew.
    assert_eq!(fail(&limits, 12, "anna", address(1), None, 300), 10);
    assert!(limits.attempt((HERE, "anna"), address(1), None, at(315)).is_ok());
}

#[test]
fn an_address_that_fails_at_fifty_accounts_fails_twice_at_each_in_that_school() {
    let limits = Limits::of_passwords();
    let taken: u32 = (0..50).map(|n| fail(&limits, 1, &format!("person {n}"), address(1), None, 0)).sum();
    assert_eq!(taken, 50);
    assert_eq!(fail(&limits, 10, "anna", address(1), None, 0), 2);
    assert_eq!(fail(&limits, 12, "anna", address(2), None, 0), 10, "elsewhere");
    let north = SiteId(uuid::Uuid::from_u128(7));
    let there = (0..12).filter(|_| limits.attempt((north, "anna"), address(1), None, at(0)).map(Attempt::fail).is_ok());
    assert_eq!(there.count(), 10, "at another school");
    assert_eq!(fail(&limits, 10, "ben", address(1), None, 15), 10, "afterwards");
}

#[test]
fn an_account_that_strangers_fail_at_is_tried_once_a_minute_by_those_who_have_not() {
    let limits = Limits::of_passwords();
    let taken: u32 = (1..=20).map(|n| fail(&limits, 5, "anna", address(n), None, 0)).sum();
    assert_eq!(taken, 100);
    assert_eq!(fail(&limits, 1, "anna", address(1), None, 59), 0, "whoever has failed waits");
    assert_eq!(fail(&limits, 12, "anna", address(1), Some("annas own"), 0), 10, "its own failures count");
    // Right passwords take no turn, and those under way are no more at once than wrong ones.
    for _ in 0..3 {
        let attempt = limits.attempt((HERE, "anna"), address(99), None, at(0)).unwrap();
        assert!(limits.attempt((HERE, "anna"), address(98), None, at(0)).is_err());
        drop(attempt);
    }
    // However many addresses there are, and whenever in the hour they come.
    let guesses: u32 = (0..60)
        .map(|minute| {
            (0..10)
                .map(|n| {
                    fail(&limits, 1, "anna", address(100 + n + 10 * u8::try_from(minute % 15).unwrap()), None, minute)
                })
                .sum::<u32>()
        })
        .sum();
    assert!(guesses <= 60, "{guesses}");
    assert_eq!(fail(&limits, 1, "anna", address(99), None, 60), 1, "an hour later");
}

#[test]
fn what_goes_well_does_not_count() {
    let limits = Limits::of_passwords();
    for _ in 0..200 {
        drop(limits.attempt((HERE, "anna"), address(1), None, at(0)).unwrap());
    }
    assert_eq!(fail(&limits, 12, "anna", address(1), None, 0), 10);
}

#[test]
fn those_of_one_ipv6_network_are_one() {
    let limits = Limits::of_passwords();
    let at_home = |text: &str| ClientAddress(text.parse().unwrap());
    assert_eq!(fail(&limits, 10, "anna", at_home("2001:db8::1"), None, 0), 10);
    assert_eq!(fail(&limits, 1, "anna", at_home("2001:db8::ffff:1"), None, 0), 0);
}

#[test]
fn the_log_has_the_first_failures_of_a_burst() {
    let limits = Limits::of_passwords();
    let recorded = |minute| {
        let attempts = (0..10).map(|n| limits.attempt((HERE, "anna"), address(n), None, at(minute)).unwrap());
        let recorded = |attempt: Attempt| {
            let recorded = limits.is_recorded((HERE, "anna"), at(minute));
            attempt.fail();
            recorded
        };
        attempts.map(recorded).filter(|recorded| *recorded).count()
    };
    assert_eq!((recorded(0), recorded(1), recorded(15)), (3, 0, 3));
}

#[test]
fn the_person_is_told_of_the_tenth_failure_of_a_day_wherever_it_is_and_of_no_other() {
    let limits = Limits::of_passwords();
    let (anna, ben) = (PersonId(Uuid::from_u128(1)), PersonId(Uuid::from_u128(2)));
    let told = |minute| {
        let failures = (0..25).filter(|_| limits.is_told(HERE, anna, at(minute)));
        failures.collect::<Vec<_>>()
    };
    assert_eq!((told(0), told(60), told(24 * 60)), (vec![9], vec![], vec![9]));
    assert!((0..9).all(|_| !limits.is_told(HERE, ben, at(0))));
}

#[test]
fn an_address_asks_for_twenty_resets_an_hour() {
    let limits = Limits::of_passwords();
    let taken = (0..30).filter(|_| limits.reset(HERE, address(1), at(0)).is_ok()).count();
    assert_eq!(taken, 20);
    assert!(limits.reset(HERE, address(2), at(0)).is_ok() && limits.reset(HERE, address(1), at(60)).is_ok());
}

#[test]
fn strangers_get_few_codes_wrong_and_the_owners_device_is_not_kept_out() {
    let limits = Limits::of_codes();
    // Each from an address of its own, every minute of two days.
    let mut guessed = 0;
    for minute in 0..2 * 24 * 60 {
        let [high, low] = u16::try_from(minute).unwrap().to_be_bytes();
        let from = ClientAddress(IpAddr::from([203, 0, high, low]));
        guessed += fail(&limits, 1, "anna", from, None, minute);
        if minute % 600 == 0 {
            let own = limits.attempt((HERE, "anna"), address(1), Some("own device"), at(minute));
            assert!(own.is_ok(), "minute {minute}");
        }
    }
    assert_eq!(guessed, 2 * 14, "ten, and four afterwards, a day");
}
