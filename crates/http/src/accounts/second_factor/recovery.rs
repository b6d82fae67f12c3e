//! Recovery codes: for whoever has lost everything else. Ten, each used once, and shown when they are made and never again.

use data_encoding::BASE32_NOPAD;
use secrecy::SecretString;

/// How many there are at a time.
pub const CODES: usize = 10;
/// 80 random bits each: nobody guesses one, so that nothing but their use is counted.
const BYTES: usize = 10;
/// How many characters one has.
const LENGTH: usize = BYTES * 8 / 5;
/// Where hyphens are put for whoever writes one down.
const GROUP: usize = 4;

/// New ones, without hyphens.
pub fn new_codes() -> Vec<SecretString> {
    let code = || {
        let bytes: [u8; BYTES] = rand::random();
        SecretString::from(BASE32_NOPAD.encode(&bytes))
    };
    std::iter::repeat_with(code).take(CODES).collect()
}

/// How one is shown.
pub fn shown(code: &str) -> String {
    let characters: Vec<char> = code.chars().collect();
    characters.chunks(GROUP).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// A code as it was made, if a text without spaces and hyphens is one; in any case, and with what looks alike.
pub fn code(text: &str) -> Option<SecretString> {
    let text = text.to_ascii_uppercase().replace('0', "O").replace('1', "I").replace('8', "B");
    let plain = text.len() == LENGTH && BASE32_NOPAD.decode(text.as_bytes()).is_ok();
    plain.then(|| text.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn ten_are_made_and_read_as_people_write_them() {
        let codes = new_codes();
        let different: BTreeSet<_> = codes.iter().map(|code| code.expose_secret().to_owned()).collect();
        assert_eq!(different.len(), CODES);
        for made in &codes {
            let written = shown(made.expose_secret());
            assert_eq!((written.len(), written.matches('-').count()), (19, 3), "{written}");
            let typed = written.to_lowercase().replace('-', "").replace('o', "0").replace('i', "1");
            assert_eq!(code(&typed).unwrap().expose_secret(), made.expose_secret(), "{typed}");
        }
    }

    #[test]
    fn nothing_else_is_one() {
        for text in ["", "ABCDEFGHIJKLMNO", "ABCDEFGHIJKLMNOPQ", "ABCDEFGHIJKLMNO9", "ABCDEFGHIJKLMNÖ", "123456"] {
            assert!(code(text).is_none(), "{text}");
        }
    }
}
