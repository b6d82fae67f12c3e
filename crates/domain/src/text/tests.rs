//! What text is taken, and what a refusal says.

use proptest::prelude::*;

use super::{Email, Text, TextError, email_key};

#[test]
fn takes_one_to_max_characters_after_trimming() {
    assert_eq!(Text::<3>::try_new(" \n äöü \t").map(String::from), Ok("äöü".to_owned()));
    assert_eq!(Text::<3>::try_new("a").map(String::from), Ok("a".to_owned()));
    assert_eq!(Text::<3>::try_new("äöüß"), Err(TextError::TooLong { max: 3, actual: 4 }));
    for nothing in ["", "   ", "\n\t", "\u{a0}\u{2003}"] {
        assert_eq!(Text::<3>::try_new(nothing), Err(TextError::Empty), "{nothing:?}");
    }
}

#[test]
fn counts_characters_and_not_bytes() {
    let reflection = "字".repeat(20_000);
    assert!(Text::<20_000>::try_new(&reflection).is_ok());
    assert!(Text::<20_000>::try_new(&format!("{reflection}字")).is_err());
}

#[test]
fn takes_line_breaks_and_tabs_and_no_other_control_character() {
    assert!(Text::<20>::try_new("one\r\n\ttwo").is_ok());
    for control in ['\0', '\u{1b}', '\u{7f}', '\u{85}'] {
        assert_eq!(Text::<20>::try_new(&format!("one{control}two")), Err(TextError::ControlCharacter), "{control:?}");
    }
}

#[test]
fn refuses_where_the_body_is_read() {
    assert!(serde_json::from_str::<Text<3>>("\"abc\"").is_ok());
    let error = serde_json::from_str::<Text<3>>("\"abcd\"").unwrap_err();
    assert!(error.to_string().starts_with("must be at most 3 characters; this has 4"), "{error}");
    assert!(serde_json::from_str::<Text<3>>("12").is_err());
}

#[test]
fn never_shows_itself_in_a_log() {
    let text = Text::<20>::try_new("geheim").unwrap();
    assert_eq!(format!("{text:?}"), "Text(6 characters)");
    let email = Email::try_new("zoë@example.org").unwrap();
    assert_eq!(format!("{email:?}"), "Email(…)");
}

#[test]
fn takes_addresses() {
    for address in ["anna@example.org", " a.b+c@sub.example.org ", "zoë@bücher.example", "o'hara@example.ie"] {
        let email = Email::try_new(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        assert_eq!(email.as_str(), address.trim());
    }
}

#[test]
fn takes_nothing_that_is_no_address() {
    for text in [
        "",
        "anna",
        "@example.org",
        "anna@",
        "anna@example",
        "anna@.org",
        "anna@example.",
        "anna@exa..mple.org",
        "an na@example.org",
        "anna@b@example.org",
        "Anna <anna@example.org>",
        "anna@example.org,bea@example.org",
        "anna@example.org\u{0}",
    ] {
        assert_eq!(Email::try_new(text).err(), Some(TextError::NotAnEmail), "{text:?}");
    }
}

#[test]
fn takes_no_address_longer_than_mail_servers_do() {
    let longest = format!("{}@{}.org", "a".repeat(64), "b".repeat(185));
    assert_eq!(longest.len(), Email::MAX);
    assert!(Email::try_new(&longest).is_ok());
    let (local, domain) = ("a".repeat(65), "b".repeat(186));
    assert_eq!(Email::try_new(&format!("{local}@example.org")).err(), Some(TextError::NotAnEmail));
    let too_long = TextError::TooLong { max: 254, actual: 255 };
    assert_eq!(Email::try_new(&format!("{}@{domain}.org", "a".repeat(64))).err(), Some(too_long));
}

#[test]
fn two_addresses_that_differ_in_case_are_the_same_one() {
    let [one, other] = ["Zoë@Example.org", "ZOË@example.ORG"].map(|address| Email::try_new(address).unwrap());
    assert_eq!(one, other);
    assert_eq!(email_key(" Zoë@Example.org "), "zoë@example.org");
    assert_eq!(one.as_str(), "Zoë@Example.org", "the case given is kept for display");
}

proptest! {
    #[test]
    fn what_is_taken_is_taken_again_unchanged(text in any::<String>()) {
        if let Ok(taken) = Text::<200>::try_new(&text) {
            let again = Text::try_new(taken.as_str());
            prop_assert_eq!(again, Ok(taken));
        }
        if let Ok(email) = Email::try_new(&text) {
            let again = Email::try_new(email.as_str()).expect("the same address");
            prop_assert_eq!(again.as_str(), email.as_str());
        }
    }
}
