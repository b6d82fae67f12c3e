//! Which passwords are taken: long enough, and nothing that whoever guesses tries first. No kinds of characters are asked for, and a
//! password is never changed on its way to the hash. What is looked at stays here: no refusal repeats any of it.

mod common;
mod pattern;

use rollbook_domain::person::Person;
use secrecy::{ExposeSecret, SecretString};

use crate::problem::{ApiError, FieldError};
use crate::state::AppState;

/// The fewest characters.
pub const MIN: usize = 10;
/// The most: more only make work.
pub const MAX: usize = 256;
/// The fewest characters beside what everybody knows about a person and their school.
const FEWEST_OF_ONES_OWN: usize = 5;
/// The shortest word that is looked for: shorter ones are in everything.
const SHORTEST_WORD: usize = 3;
/// How many digits and signs at the end are not counted: a year with something behind it.
const ENDING: usize = 6;

/// What to do instead, for whoever is refused.
const INSTEAD: &str = "take another one, such as four words that have nothing to do with each other";

/// Whether a password is longer than any that was ever taken: told without any work, because it says nothing about anybody.
pub fn is_too_long(password: &SecretString) -> bool {
    password.expose_secret().chars().count() > MAX
}

/// Refuses a new password that somebody would guess, for a person of a service's site; `pointer` is its field.
pub fn check(password: &SecretString, person: &Person, state: &AppState, pointer: &str) -> Result<(), ApiError> {
    match why_not(password.expose_secret(), &known_words(person, state)) {
        None => Ok(()),
        Some(detail) => Err(ApiError::Invalid(vec![FieldError::body(pointer, detail)])),
    }
}

/// What everybody knows: names, addresses, and those of the school.
fn known_words(person: &Person, state: &AppState) -> Vec<String> {
    let mut texts = vec!["rollbook".to_owned(), person.display_name().to_owned()];
    texts.extend(person.email.as_ref().map(|email| email.as_str().to_owned()));
    if let Some(site) = state.known_site() {
        texts.extend([site.slug, site.name]);
        texts.extend(site.hosts.into_iter().map(|host| host.host));
    }
    words(&texts)
}

/// The words of texts, and each text and each part of an address as a whole; the longest first.
fn words(texts: &[String]) -> Vec<String> {
    let mut words: Vec<String> = texts
        .iter()
        .flat_map(|text| {
            let parts = text.split(|c: char| !c.is_alphanumeric()).map(squeezed);
            parts.chain(text.split('@').map(squeezed)).chain([squeezed(text)]).collect::<Vec<_>>()
        })
        .filter(|word| word.chars().count() >= SHORTEST_WORD)
        .collect();
    words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

fn why_not(password: &str, known: &[String]) -> Option<String> {
    let length = password.chars().count();
    if length < MIN {
        return Some(format!("must have at least {MIN} characters, spaces among them; {INSTEAD}"));
    }
    if length > MAX {
        return Some(format!("must have at most {MAX} characters"));
    }
    let lower = password.trim().to_lowercase();
    if pattern::is_predictable(&lower) {
        return Some(format!("goes on as it begins, or along the keyboard, which is tried first; {INSTEAD}"));
    }
    let squeezed = squeezed(&lower);
    let mut own = without_ending(&squeezed).to_owned();
    for word in known {
        own = own.replace(word.as_str(), "");
    }
    if own.chars().count() < FEWEST_OF_ONES_OWN {
        let why = "is little more than your name, your address, or what your school is called, which others know";
        return Some(format!("{why}; {INSTEAD}"));
    }
    let variations = [&*lower, without_ending(&lower), &squeezed, without_ending(&squeezed)];
    let common = variations.iter().any(|tried| common::contains(tried) || common::contains(&pattern::spelt(tried)));
    let why = "is, but for its ending or its spelling, among the passwords that are in lists of stolen ones";
    common.then(|| format!("{why}; {INSTEAD}"))
}

/// Letters and digits alone, in lower case.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Without the few digits and signs that people put at the end.
fn without_ending(text: &str) -> &str {
    let ending = text.char_indices().rev().take(ENDING).take_while(|(_, c)| !c.is_alphabetic()).last();
    ending.map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests;
