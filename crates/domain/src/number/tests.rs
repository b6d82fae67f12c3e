//! Which numbers are taken, and what a refusal says.

use super::Bounded;

type Percent = Bounded<1, 100>;

#[test]
fn takes_whole_numbers_in_range_and_no_others() {
    let cases = [("1", true), ("100", true), ("0", false), ("101", false), ("-1", false), ("4294967297", false)];
    for (number, valid) in cases.into_iter().chain([("1.5", false), ("\"7\"", false), ("null", false)]) {
        assert_eq!(serde_json::from_str::<Percent>(number).is_ok(), valid, "{number}");
    }
}

#[test]
fn says_what_would_be_taken() {
    let error = serde_json::from_str::<Percent>("101").unwrap_err();
    assert!(error.to_string().starts_with("must be a whole number from 1 to 100"), "{error}");
}

#[test]
fn is_written_as_a_plain_number() {
    let number = Percent::try_new(42).unwrap();
    assert_eq!(serde_json::to_string(&number).unwrap(), "42");
    assert_eq!(number.get(), 42);
}
