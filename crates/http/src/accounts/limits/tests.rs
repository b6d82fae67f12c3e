//! The limits of signing in, with a clock that stands where it is put.

use super::*;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

fn address(number: u8) -> ClientAddress {
    ClientAddress(IpAddr::from([203, 0, 113, number]))
}

/// Fails so many times; how many were taken on.
fn fail(limits: &Limits, times: u32, account: &str, from: ClientAddress, device: Option<&str>, minute: i64) -> u32 {
    let taken = (0..times).filter(|_| limits.attempt(account, from, device, at(minute)).is_ok());
    u32::try_from(taken.count()).unwrap()
}

#[test]
fn an_address_fails_ten_times_for_an_account_in_a_quarter_of_an_hour() {
    let limits = Limits::new();
    assert_eq!(fail(&limits, 12, "anna", address(1), None, 0), 10);
    let refused = limits.attempt("anna", address(1), None, at(5)).unwrap_err();
    assert_eq!(refused, AccountProblem::TooManyAttempts { retry_after: 601 });
    assert_eq!(fail(&limits, 1, "anna", address(2), None, 5), 1, "elsewhere");
    assert_eq!(fail(&limits, 1, "ben", address(1), None, 5), 1, "another account");
    assert_eq!(fail(&limits, 12, "anna", address(1), None, 15), 10, "afterwards");
}

#[test]
fn an_address_fails_fifty_times_whoever_it_tries_to_be() {
    let limits = Limits::new();
    let taken: u32 = (0..20).map(|n| fail(&limits, 3, &format!("person {n}"), address(1), None, 0)).sum();
    assert_eq!(taken, 50);
    assert_eq!(fail(&limits, 1, "person 1", address(2), None, 0), 1);
}

#[test]
fn strangers_lock_an_account_for_strangers_and_not_for_its_own_device() {
    let limits = Limits::new();
    let taken: u32 = (1..=30).map(|n| fail(&limits, 5, "anna", address(n), None, 0)).sum();
    assert_eq!(taken, 100);
    assert!(limits.attempt("anna", address(99), None, at(59)).is_err());
    assert_eq!(fail(&limits, 12, "anna", address(1), Some("annas own"), 0), 10, "its own failures count");
    assert_eq!(fail(&limits, 1, "anna", address(99), None, 60), 1, "an hour later");
}

#[test]
fn what_goes_well_does_not_count() {
    let limits = Limits::new();
    for _ in 0..200 {
        let attempt = limits.attempt("anna", address(1), None, at(0)).unwrap();
        limits.forgive(&attempt);
    }
    assert_eq!(fail(&limits, 12, "anna", address(1), None, 0), 10);
}

#[test]
fn those_of_one_ipv6_network_are_one() {
    let limits = Limits::new();
    let at_home = |text: &str| ClientAddress(text.parse().unwrap());
    assert_eq!(fail(&limits, 10, "anna", at_home("2001:db8::1"), None, 0), 10);
    assert_eq!(fail(&limits, 1, "anna", at_home("2001:db8::ffff:1"), None, 0), 0);
}

#[test]
fn the_log_has_the_first_failures_of_a_burst() {
    let limits = Limits::new();
    let recorded = |minute| {
        let attempts = (0..10).map(|n| limits.attempt("anna", address(n), None, at(minute)).unwrap());
        attempts.filter(|attempt| limits.is_recorded(attempt, at(minute))).count()
    };
    assert_eq!((recorded(0), recorded(1), recorded(15)), (3, 0, 3));
}

#[test]
fn an_address_asks_for_twenty_resets_an_hour() {
    let limits = Limits::new();
    let taken = (0..30).filter(|_| limits.reset(address(1), at(0)).is_ok()).count();
    assert_eq!(taken, 20);
    assert!(limits.reset(address(2), at(0)).is_ok() && limits.reset(address(1), at(60)).is_ok());
}
