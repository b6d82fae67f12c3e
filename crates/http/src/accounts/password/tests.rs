//! Which passwords are taken, for somebody at a school.

use super::*;

fn refused(password: &str) -> Option<String> {
    let known =
        ["rollbook", "Søren Ærø-Jensen", "soren.jensen@mail.example.org", "north", "North School", "north.school.nz"];
    why_not(password, &words(&known.map(str::to_owned)))
}

#[test]
fn takes_what_is_long_and_says_nothing_of_anybody() {
    for taken in [
        "correct horse battery",
        "jernbane-fyrre-7",
        "seven green herons",
        "eleven blue wekas",
        "a long pass phrase",
        "ébène çà là ñandú",
        "kK8$wq!pZ0",
        "the northern lights hum",
        "sorensen's 2nd herring",
        "貓在窗台上看雨聽風喝茶",
        &"four words and then some ".repeat(10),
    ] {
        assert_eq!(refused(taken), None, "{taken}");
    }
}

#[test]
fn refuses_what_is_too_short_or_too_long() {
    for guessed in ["", "jernbane7", "éééé", &"ab".repeat(129)] {
        assert!(refused(guessed).is_some_and(|why| why.contains("characters")), "{guessed}");
    }
}

#[test]
fn refuses_what_is_known_of_the_person_and_the_school() {
    for guessed in [
        "soren.jensen@mail.example.org",
        "Soren.Jensen",
        "soren.jensen1",
        "Søren Ærø-Jensen",
        "sørenærø-jensen",
        "JensenSoren2026!",
        "North School",
        "northschool",
        "northschool1",
        "North-School-2026!!",
        "rollbook2026",
        "Rollbook!Rollbook!",
        "north.school.nz",
        "soren@north1",
    ] {
        assert!(refused(guessed).is_some_and(|why| why.contains("your school")), "{guessed}: {:?}", refused(guessed));
    }
}

#[test]
fn refuses_what_goes_on_as_it_begins() {
    for guessed in [
        "aaaaaaaaaaaa",
        "1234567890",
        "9876543210",
        "abcabcabcabc",
        "abcdefghijkl",
        "qwertyuiop",
        "qwertzuiop12",
        "asdfghjkl;;;",
        "AAAAbbbbCCCC",
        "!!!!!!!!!!!!",
        "12341234123412",
        "zxcvbnm,zxcvbnm,",
    ] {
        assert!(refused(guessed).is_some_and(|why| why.contains("begins")), "{guessed}: {:?}", refused(guessed));
    }
}

#[test]
fn refuses_what_is_in_lists_of_stolen_ones_whatever_its_case_ending_or_spelling() {
    for guessed in [
        "Winter2026!",
        "california",
        "California!",
        "Password123",
        "p4$$w0rd2026",
        "let me in 2026",
        "Letmein123!",
        "Summer-2025",
        "1q2w3e4r5t",
        "iloveyou2!",
        "qazwsxedc123",
        "Passw0rd!!!!",
        "changeme2024",
        "football99!!",
    ] {
        assert!(refused(guessed).is_some_and(|why| why.contains("lists")), "{guessed}: {:?}", refused(guessed));
    }
}

#[test]
fn a_refusal_says_why_and_what_would_be_taken_and_nothing_of_the_password() {
    for guessed in ["Winter2026!", "northschool1", "qwertyuiop", "short"] {
        let why = refused(guessed).unwrap();
        assert!(why.ends_with(INSTEAD) && !why.contains(guessed), "{why}");
    }
    assert_eq!(refused(INSTEAD), None, "what is proposed is taken");
}
