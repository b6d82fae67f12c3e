//! Which passwords are taken: long enough, not the person's own name or address, not one of the commonest. No kinds of characters
//! are asked for, and a password is never changed on its way to the hash.

use rollbook_domain::person::Person;
use secrecy::{ExposeSecret, SecretString};

use crate::problem::{ApiError, FieldError};

/// The fewest characters.
pub const MIN: usize = 10;
/// The most: more only make work.
pub const MAX: usize = 256;

/// The commonest of at least [`MIN`] characters, in lower case.
const COMMON: &str = include_str!("common_passwords.txt");

/// Whether a password is longer than any that was ever taken: told without any work, because it says nothing about anybody.
pub fn is_too_long(password: &SecretString) -> bool {
    password.expose_secret().chars().count() > MAX
}

/// Refuses a new password that somebody would guess; `pointer` is its field.
pub fn check(password: &SecretString, person: &Person, pointer: &str) -> Result<(), ApiError> {
    match why_not(password.expose_secret(), person) {
        None => Ok(()),
        Some(detail) => Err(ApiError::Invalid(vec![FieldError::body(pointer, detail)])),
    }
}

fn why_not(password: &str, person: &Person) -> Option<String> {
    let length = password.chars().count();
    if length < MIN {
        return Some(format!("must have at least {MIN} characters"));
    }
    if length > MAX {
        return Some(format!("must have at most {MAX} characters"));
    }
    let lower = password.trim().to_lowercase();
    let email = person.email.as_ref().map_or("", |email| email.as_str()).to_lowercase();
    let local = email.split('@').next().unwrap_or_default();
    let name = person.display_name().to_lowercase();
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    if lower == email || lower == local || squeezed(&lower) == squeezed(&name) {
        return Some("must not be your name or your address".to_owned());
    }
    let mut letters = lower.chars();
    let first = letters.next();
    if letters.all(|letter| Some(letter) == first) {
        return Some("must not be one character again and again".to_owned());
    }
    COMMON.lines().any(|common| common == lower).then(|| "is one of the commonest; choose another".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(password: &str) -> bool {
        let person = Person {
            name: Some("Søren Ærø-Jensen".into()),
            email: Some("soren.jensen@example.org".into()),
            ..Person::default()
        };
        why_not(password, &person).is_some()
    }

    #[test]
    fn takes_what_is_long_and_nobodys_name() {
        for taken in ["correct horse", "jernbane-7", "ééééééééée", "soren.jensen1", &"ab".repeat(128)] {
            assert!(!refused(taken), "{taken}");
        }
    }

    #[test]
    fn refuses_what_somebody_would_guess() {
        for guessed in [
            "",
            "jernbane7",
            "éééé",
            &"ab".repeat(129),
            "soren.jensen@example.org",
            "Soren.Jensen",
            "Søren Ærø-Jensen",
            "sørenærø-jensen",
            "Password123",
            "aaaaaaaaaaaa",
            "1234567890",
        ] {
            assert!(refused(guessed), "{guessed}");
        }
    }

    #[test]
    fn the_list_has_only_what_the_length_does_not_refuse_anyway() {
        for common in COMMON.lines() {
            assert!(common.chars().count() >= MIN && common == common.to_lowercase(), "{common}");
        }
    }
}
