//! What text is taken, and what a refusal says.

use icu_normalizer::ComposingNormalizerBorrowed;
use proptest::prelude::*;

use super::{Code, Email, Name, NewEmail, Text, TextError, email_key, name_key};

/// Paragraphs of at most so many characters.
type Prose<const MAX: usize> = Text<MAX>;

#[test]
fn takes_one_to_max_characters_after_trimming() {
    assert_eq!(Prose::<3>::try_new(" \n äöü \t").map(String::from), Ok("äöü".to_owned()));
    assert_eq!(Prose::<3>::try_new("a").map(String::from), Ok("a".to_owned()));
    assert_eq!(Prose::<3>::try_new("äöüß"), Err(TextError::TooLong { max: 3, actual: 4 }));
    for nothing in ["", "   ", "\n\t", "\u{a0}\u{2003}"] {
        assert_eq!(Prose::<3>::try_new(nothing), Err(TextError::Empty), "{nothing:?}");
    }
}

#[test]
fn counts_characters_and_not_bytes() {
    let reflection = "字".repeat(20_000);
    assert!(Prose::<20_000>::try_new(&reflection).is_ok());
    assert!(Prose::<20_000>::try_new(&format!("{reflection}字")).is_err());
}

#[test]
fn takes_line_breaks_and_tabs_and_no_other_control_character() {
    assert!(Prose::<20>::try_new("one\r\n\ttwo").is_ok());
    for control in ['\0', '\u{1b}', '\u{7f}', '\u{85}'] {
        assert_eq!(Prose::<20>::try_new(&format!("one{control}two")), Err(TextError::ControlCharacter), "{control:?}");
    }
}

#[test]
fn refuses_where_the_body_is_read() {
    assert!(serde_json::from_str::<Prose<3>>("\"abc\"").is_ok());
    let error = serde_json::from_str::<Prose<3>>("\"abcd\"").unwrap_err();
    assert!(error.to_string().starts_with("must be at most 3 characters; this has 4"), "{error}");
    assert!(serde_json::from_str::<Prose<3>>("12").is_err());
}

#[test]
fn never_shows_itself_in_a_log() {
    let text = Prose::<20>::try_new("geheim").unwrap();
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

#[test]
fn a_name_is_one_line_of_what_can_be_seen() {
    for (given, kept) in [
        ("  Anna \u{a0}\u{2003} Bell ", "Anna Bell"),
        ("Zoe\u{308}", "Zoë"),
        ("An\u{ad}na\u{200b}\u{feff}", "Anna"),
        ("\u{200f}Anna\u{200e}", "Anna"),
        ("An\u{200d}\u{200c}na", "Anna"),
        ("e\u{200b}\u{301}", "é"),
        ("علی\u{200c}رضا", "علی\u{200c}رضا"),
        ("क्\u{200d}ष", "क्\u{200d}ष"),
        ("ب\u{650}\u{200c}\u{650}ب", "ب\u{650}\u{200c}\u{650}ب"),
        ("ب\u{650}\u{200c}\u{650}x", "ب\u{650}\u{650}x"),
        ("د\u{200c}ب\u{200c}\u{200c}ب", "دب\u{200c}ب"),
        ("\u{2800}x\u{2800}\u{2800}y", "x y"),
        ("x\u{fff9}y\u{fffb}", "xy"),
        ("Ann\u{e0041}a", "Anna"),
        ("Anna\u{1d159}", "Anna"),
        ("An\u{16fe4}na", "Anna"),
        ("Anna\u{13430}\u{13441}\u{1345f}", "Anna"),
        ("李雷", "李雷"),
        ("O\u{2019}Hara-D\u{2019}Arcy", "O\u{2019}Hara-D\u{2019}Arcy"),
    ] {
        assert_eq!(Name::try_new(given).map(String::from), Ok(kept.to_owned()), "{given:?}");
    }
    for nothing in ["", " ", "\u{200b}\u{200d}", "\u{3164}", "\u{2800}", "\u{301}", "\u{fe0f}", "\u{180e}", "\u{1d159}"]
    {
        assert_eq!(Name::try_new(nothing), Err(TextError::Empty), "{nothing:?}");
    }
    for line in ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'] {
        assert_eq!(Name::try_new(&format!("one{line}two")), Err(TextError::LineBreak), "{line:?}");
    }
    for direction in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}') {
        assert_eq!(Name::try_new(&format!("one{direction}two")), Err(TextError::Direction(direction)));
    }
    for control in ['\0', '\t', '\u{1b}', '\u{7f}'] {
        assert_eq!(Name::try_new(&format!("one{control}two")), Err(TextError::ControlCharacter), "{control:?}");
    }
    for none in ['\u{e000}', '\u{378}', '\u{fdd0}', '\u{10ffff}'] {
        assert_eq!(Name::try_new(&format!("one{none}two")), Err(TextError::NoCharacter(none)), "{none:?}");
    }
    // What is counted is what is kept, but for what is much too long whatever is left of it.
    assert!(Code::try_new(&"a\u{200b}".repeat(40)).is_ok());
    assert_eq!(Code::try_new(&" ".repeat(320)), Err(TextError::Empty));
    assert_eq!(Code::try_new(&" ".repeat(321)), Err(TextError::TooLong { max: 40, actual: 321 }));
    assert_eq!(Code::try_new(&"a".repeat(41)), Err(TextError::TooLong { max: 40, actual: 41 }));
    assert_eq!(
        TextError::Direction('\u{202e}').to_string(),
        "must not contain U+202E, which turns the direction of writing"
    );
}

#[test]
fn names_from_before_names_had_a_form_are_found_by_the_same_key() {
    for (before, now) in [(" North\n  land", "north\n  land"), ("Zu\u{308}rich  West", "zürich west"), ("NORD", "nord")]
    {
        assert_eq!(name_key(before), now);
    }
}

#[test]
fn an_address_that_somebody_is_given_looks_like_no_other() {
    for mixed in [
        "\u{430}nna@example.org",
        "anna@ex\u{430}mple.org",
        "anna@example.\u{43e}rg",
        "an.н@example.org",
        "anna+ö李@e.org",
    ] {
        assert_eq!(NewEmail::try_new(mixed).err(), Some(TextError::MixedScripts), "{mixed}");
        assert!(Email::try_new(mixed).is_ok(), "whoever has it already is still found");
    }
    for (hidden, c) in [("an\u{200b}na@example.org", '\u{200b}'), ("anna@exa\u{ad}mple.org", '\u{ad}')] {
        assert_eq!(NewEmail::try_new(hidden).err(), Some(TextError::Unseen(c)));
    }
    assert_eq!(NewEmail::try_new("anna\u{202e}@example.org").err(), Some(TextError::Direction('\u{202e}')));
    assert_eq!(NewEmail::try_new("anna\u{e000}@example.org").err(), Some(TextError::NoCharacter('\u{e000}')));
    assert_eq!(NewEmail::try_new("anna").err(), Some(TextError::NotAnEmail));
    let hidden = NewEmail::try_new("admin\u{1d159}@example.org").err();
    assert_eq!(hidden, Some(TextError::Unseen('\u{1d159}')));
    for other in
        ['\u{217f}', '\u{217c}', 'ａ', '\u{2010}', '\u{2019}', '\u{2bc}', '\u{1c3}', '\u{1d41a}', 'ﬁ', 'ɑ', '②', '☺']
    {
        for address in [format!("a{other}b@example.org"), format!("ab@ex{other}mple.org")] {
            assert_eq!(NewEmail::try_new(&address).err(), Some(TextError::LooksLikeAnother(other)), "{address}");
            assert!(Email::try_new(&address).is_ok(), "whoever has it already is still found");
        }
    }
    for single in [
        "d'arcy_o'neill+x=1!#$%&*/?^`{|}~-@example.ie",
        "großmann@straße.example",
        "nguyễn.thị@example.vn",
        "ლევანი@example.ge",
        "सीता@उदाहरण.भारत",
        "علي@مثال.عرب",
        "דוד@דוגמה.ישראל",
        "สมชาย@ตัวอย่าง.ไทย",
        "サッカー佐々木@example.jp",
        "анна@example.org",
        "zoë@bücher.example",
        "田中たろう@example.jp",
        "한글漢字@example.kr",
        "αννα@παράδειγμα.ελ",
        "o'hara+1@example.ie",
    ] {
        assert_eq!(NewEmail::try_new(single).expect(single).as_str(), single);
    }
    assert_eq!(NewEmail::try_new("zoe\u{308}@example.org").expect("composed").as_str(), "zoë@example.org");
    assert_eq!(email_key("ZOE\u{308}@example.org"), "zoë@example.org");
}

proptest! {
    #[test]
    fn what_is_taken_is_taken_again_unchanged(text in any::<String>()) {
        if let Ok(taken) = Prose::<200>::try_new(&text) {
            let again = Text::try_new(taken.as_str());
            prop_assert_eq!(again, Ok(taken));
        }
        if let Ok(taken) = Name::try_new(&text) {
            let again = Name::try_new(taken.as_str());
            prop_assert_eq!(again, Ok(taken));
        }
        if let Ok(email) = NewEmail::try_new(&text) {
            let again = NewEmail::try_new(email.as_str()).expect("the same address");
            prop_assert_eq!(again.as_str(), email.as_str());
            let compatible = ComposingNormalizerBorrowed::new_nfkc();
            prop_assert!(compatible.is_normalized(email.as_str()), "{}", email.as_str());
        }
        if let Ok(email) = Email::try_new(&text) {
            let again = Email::try_new(email.as_str()).expect("the same address");
            prop_assert_eq!(again.as_str(), email.as_str());
        }
    }
}
