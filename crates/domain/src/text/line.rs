//! Names: one line of what can be seen, in the one form in which two that look the same are the same. The guide is
//! PRECIS (RFC 8264, `FreeformClass`, and RFC 8266, nicknames), but for compatibility forms and case: people keep what
//! they write.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, JoiningType,
};
use icu_properties::{CodePointMapData, CodePointSetData};

use super::TextError;

const NON_JOINER: char = '\u{200c}';
const JOINER: char = '\u{200d}';
/// White, though Unicode has it for a symbol.
const BLANK_BRAILLE: char = '\u{2800}';

/// A name in its form: NFC, without what cannot be seen, white space as single spaces between words; empty where
/// nothing can be seen. Refused is what makes it more than a line, turns its direction, or is no character.
pub(super) fn normal(text: &str) -> Result<String, TextError> {
    text.trim().chars().try_for_each(check)?;
    let seen = without_unseen(&nfc(text));
    let words: Vec<_> = seen.split(is_space).filter(|word| !word.is_empty()).collect();
    let name = nfc(&words.join(" "));
    Ok(if name.chars().any(is_seen) { name } else { String::new() })
}

/// The composed form in which texts are compared.
pub(super) fn nfc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// Whether a character is nothing by itself: it joins, breaks or marks others, or stands for nothing.
pub(super) fn is_unseen(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) || is_unseen_besides(c)
}

/// What Unicode does not have among those that can be ignored, and nobody sees either.
fn is_unseen_besides(c: char) -> bool {
    // Interlinear annotations, which are for other programs; a note without a head; what keeps the places of Khitan characters; and how
    // hieroglyphs are put together, their blanks, and marks of what is damaged.
    matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{1d159}' | '\u{16fe4}' | '\u{13430}'..='\u{1345f}')
}

/// Refuses a character that no name has.
pub(super) fn check(c: char) -> Result<(), TextError> {
    match category(c) {
        _ if matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => Err(TextError::Direction(c)),
        GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator => Err(TextError::LineBreak),
        GeneralCategory::Control if matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}') => {
            Err(TextError::LineBreak)
        }
        GeneralCategory::Control => Err(TextError::ControlCharacter),
        // What cannot be seen is left out, assigned or not.
        _ if is_unseen(c) => Ok(()),
        GeneralCategory::PrivateUse | GeneralCategory::Unassigned => Err(TextError::NoCharacter(c)),
        _ => Ok(()),
    }
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

fn is_space(c: char) -> bool {
    c == BLANK_BRAILLE || c.is_whitespace()
}

/// Whether something is drawn that is more than a mark on another character.
fn is_seen(c: char) -> bool {
    let drawn = GeneralCategoryGroup::Letter
        .union(GeneralCategoryGroup::Number)
        .union(GeneralCategoryGroup::Punctuation)
        .union(GeneralCategoryGroup::Symbol);
    c != BLANK_BRAILLE && !is_unseen(c) && drawn.contains(category(c))
}

/// Leaves out what cannot be seen, but for joiners that change how the letters around them are written (RFC 5892, A.1
/// and A.2): Persian and the scripts of India spell with them. One pass each way, whatever stands between letters.
fn without_unseen(text: &str) -> String {
    let joining = CodePointMapData::<JoiningType>::new();
    let chars: Vec<char> = text.chars().collect();
    // Of each character, whether the next letter joins to the right of it.
    let mut joins_on = vec![false; chars.len()];
    let mut next = false;
    for (joins_on, c) in joins_on.iter_mut().zip(&chars).rev() {
        *joins_on = next;
        match joining.get(*c) {
            JoiningType::Transparent => {}
            of => next = matches!(of, JoiningType::RightJoining | JoiningType::DualJoining),
        }
    }
    let (mut seen, mut last, mut joins) = (String::with_capacity(text.len()), None, false);
    for (c, joins_on) in chars.into_iter().zip(joins_on) {
        let spelling = match c {
            JOINER => last.is_some_and(is_virama),
            NON_JOINER => last.is_some_and(is_virama) || (joins && joins_on),
            _ => false,
        };
        if !spelling && is_unseen(c) {
            continue;
        }
        seen.push(c);
        last = Some(c);
        match joining.get(c) {
            JoiningType::Transparent => {}
            of => joins = matches!(of, JoiningType::LeftJoining | JoiningType::DualJoining),
        }
    }
    seen
}

fn is_virama(c: char) -> bool {
    CodePointMapData::<CanonicalCombiningClass>::new().get(c) == CanonicalCombiningClass::Virama
}
