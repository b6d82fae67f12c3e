//! Codes that an app makes anew every 30 seconds: RFC 6238, as every app has it. Pure; which code was used is the store's to say.

use data_encoding::BASE32_NOPAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

/// 160 bits: what RFC 4226 asks for, and the length of the hash.
const SECRET_BYTES: usize = 20;
/// For how long a code is shown, in seconds. Apps that are told another number do not all heed it.
const PERIOD: i64 = 30;
/// How many digits a code has, and what it is counted modulo.
const DIGITS: usize = 6;
const MODULUS: u32 = 1_000_000;
/// How many steps somebody's clock may be from ours, either side; whoever types slowly is one late.
const SKEW: i64 = 1;

/// What stays as it is in an address: what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A new secret, as people type it: base32.
pub fn new_secret() -> SecretString {
    let bytes: [u8; SECRET_BYTES] = rand::random();
    BASE32_NOPAD.encode(&bytes).into()
}

/// What an app reads as a picture or a link: whose codes these are, and how they are made.
pub fn uri(secret: &SecretString, issuer: &str, account: &str) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    // The colon parts the two, and is in neither.
    let issuer = encoded(&issuer.replace(':', " "));
    format!(
        "otpauth://totp/{issuer}:{}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={PERIOD}",
        encoded(account),
        secret.expose_secret(),
    )
}

/// A code, if a text is one.
pub fn code(text: &str) -> Option<u32> {
    let plain = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// The step whose code it is, among those that are good at an instant; none where it is of none, or the secret cannot be read.
pub fn step(secret: &SecretString, code: u32, unix_seconds: i64) -> Option<i64> {
    let bytes: SecretSlice<u8> = BASE32_NOPAD.decode(secret.expose_secret().as_bytes()).ok()?.into();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, bytes.expose_secret());
    let now = unix_seconds.div_euclid(PERIOD);
    // The latest first: what is used up is used up with those before it.
    (now - SKEW..=now + SKEW).rev().find(|step| of_step(&key, *step) == code)
}

/// RFC 4226, section 5.3.
fn of_step(key: &hmac::Key, step: i64) -> u32 {
    let tag = hmac::sign(key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or_default() & 15);
    let four = tag.iter().skip(offset).take(4);
    let number = four.fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    (number & 0x7fff_ffff) % MODULUS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B.
    fn of_the_rfc() -> SecretString {
        BASE32_NOPAD.encode(b"12345678901234567890").into()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (unix_seconds, code) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            assert_eq!(step(&of_the_rfc(), code, unix_seconds), Some(unix_seconds / 30), "{unix_seconds}");
        }
    }

    #[test]
    fn a_code_is_good_for_one_step_either_side() {
        let at = |unix_seconds| step(&of_the_rfc(), 287_082, unix_seconds);
        assert_eq!([0, 29, 30, 59, 60, 89].map(at), [Some(1); 6]);
        assert_eq!([-1, 90, 119, 1_000_000].map(at), [None; 4]);
    }

    #[test]
    fn a_code_is_six_digits_and_nothing_else() {
        assert_eq!(code("081804"), Some(81_804));
        for text in ["", "81804", "0818044", "08180a", "+81804", "０８１８０４", " 81804", "-81804"] {
            assert_eq!(code(text), None, "{text}");
        }
    }

    #[test]
    fn a_secret_has_160_bits_and_is_another_each_time() {
        let (one, other) = (new_secret(), new_secret());
        assert_eq!(one.expose_secret().len(), 32);
        assert_ne!(one.expose_secret(), other.expose_secret());
    }

    #[test]
    fn an_address_for_apps_says_whose_codes_they_are() {
        let told = uri(&"ABC".into(), "Te Kura: Tūī & Co", "anna+x@example.org");
        let expected = "otpauth://totp/Te%20Kura%20%20T%C5%AB%C4%AB%20%26%20Co:anna%2Bx%40example.org?secret=ABC\
            &issuer=Te%20Kura%20%20T%C5%AB%C4%AB%20%26%20Co&algorithm=SHA1&digits=6&period=30";
        assert_eq!(told, expected);
    }

    #[test]
    fn a_damaged_secret_makes_no_code() {
        assert_eq!(step(&"not base32!".into(), 287_082, 59), None);
    }
}
