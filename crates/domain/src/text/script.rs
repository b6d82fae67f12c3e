//! Which scripts a text is in, as UTS 39 resolves them: letters of one script are no disguise of another's. And which characters words
//! are written with, and not only something that is to look like them.

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup, Script};
use icu_properties::script::ScriptWithExtensionsBorrowed;
use unicode_security::GeneralSecurityProfile as _;

/// Whether words are written with a character: one of ASCII, or a letter, a mark or a digit that is recommended for identifiers
/// (UTS 39, `Identifier_Status`). Those are in their compatibility form, too.
pub(super) fn is_of_words(c: char) -> bool {
    let group = GeneralCategoryGroup::Letter
        .union(GeneralCategoryGroup::Mark)
        .union(GeneralCategoryGroup::Number)
        .contains(CodePointMapData::<GeneralCategory>::new().get(c));
    // The letters that only modify others look like quotation marks.
    c.is_ascii() || (group && c.identifier_allowed() && !('\u{2b0}'..='\u{2ff}').contains(&c))
}

/// A script, or a way of writing that uses several.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    Script(Script),
    /// Han with Bopomofo.
    Chinese,
    /// Han with both kinds of kana.
    Japanese,
    /// Han with Hangul.
    Korean,
}

/// Whether there is a script, or a way of writing, that all of a text is in. What all scripts share counts for none.
pub(super) fn is_single(text: &str) -> bool {
    let mut of_letters = text.chars().filter_map(writings);
    let Some(mut shared) = of_letters.next() else { return true };
    for of in of_letters {
        shared.retain(|writing| of.contains(writing));
    }
    !shared.is_empty()
}

/// The ways of writing that a character is used in; none where that is all of them.
fn writings(c: char) -> Option<Vec<Writing>> {
    let mut writings = Vec::new();
    for script in ScriptWithExtensionsBorrowed::new().get_script_extensions_val(c).iter() {
        writings.push(Writing::Script(script));
        writings.extend_from_slice(match script {
            Script::Common | Script::Inherited => return None,
            Script::Han => &[Writing::Chinese, Writing::Japanese, Writing::Korean],
            Script::Hiragana | Script::Katakana => &[Writing::Japanese],
            Script::Hangul => &[Writing::Korean],
            Script::Bopomofo => &[Writing::Chinese],
            _ => &[],
        });
    }
    Some(writings)
}
