//! The keys that secrets are sealed under which must be read again: URLs of sites' databases, and what codes are made from. They come
//! from the environment and are in no database; nothing shows one, but for whoever asks for a new one.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rollbook_domain::{PersonId, SiteId};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use uuid::Uuid;

/// How many bytes a key has.
const KEY_BYTES: usize = 32;
/// The most characters of a key's name.
const LONGEST_NAME: usize = 32;

/// The keys that are known: the first seals, all open. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Keys(Arc<[Key]>);

#[derive(Debug)]
struct Key {
    id: String,
    bytes: SecretBox<[u8; KEY_BYTES]>,
}

/// Why keys cannot be read. What was given is never repeated: it is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// There is no entry.
    #[error("is empty; unset it, or give it what `rollbook sites new-key` prints")]
    Empty,
    /// An entry is not a name and a key.
    #[error("cannot be read at entry {0}: it is a name, a colon and a key, such as `rollbook sites new-key` prints")]
    NoEntry(usize),
    /// The key is not written as it should be.
    #[error("cannot be read at entry {0}: its key is not {KEY_BYTES} bytes in base64")]
    NoKey(usize),
    /// It would not be clear which one opens.
    #[error("has the name of entry {0} twice")]
    Twice(usize),
}

/// What a text is sealed for: moved to another's row, it does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedFor {
    /// The URL of a site's database.
    SiteDatabase(SiteId),
    /// The secret that a person's app makes codes from.
    SecondFactor(SiteId, PersonId, Uuid),
}

impl From<SiteId> for SealedFor {
    fn from(site: SiteId) -> Self {
        Self::SiteDatabase(site)
    }
}

impl SealedFor {
    /// No two are the same, whatever the key is called that comes after: names are at most as long as two ids.
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::SiteDatabase(site) => site.0.as_bytes().to_vec(),
            Self::SecondFactor(site, person, factor) => {
                let ids = [site.0, person.0, factor].map(Uuid::into_bytes);
                [b"second factor".as_slice(), ids.as_flattened()].concat()
            }
        }
    }
}

/// A text that only one of the keys opens, and only for what it was sealed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The name of the key.
    pub key_id: String,
    /// The nonce, what was sealed, and the tag.
    pub bytes: Vec<u8>,
}

/// Why a sealed text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Nothing can be sealed.
    #[error("no key is configured; set ROLLBOOK_KEYS to what `rollbook sites new-key` prints")]
    NoKeys,
    /// The key is not configured.
    #[error("it is sealed under the key {0}, which ROLLBOOK_KEYS does not have")]
    KeyMissing(String),
    /// It is not what was sealed under this key for this.
    #[error("it is not what was sealed under the key {0}")]
    Damaged(String),
}

impl Keys {
    /// Reads `name:base64,name:base64`.
    pub fn try_new(text: &SecretString) -> Result<Self, KeysError> {
        if text.expose_secret().trim().is_empty() {
            return Err(KeysError::Empty);
        }
        let mut keys: Vec<Key> = Vec::new();
        for (nth, entry) in (1..).zip(text.expose_secret().split(',')) {
            let (id, key) = entry.trim().split_once(':').ok_or(KeysError::NoEntry(nth))?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            if !(1..=LONGEST_NAME).contains(&id.len()) || !id.bytes().all(plain) {
                return Err(KeysError::NoEntry(nth));
            }
            if keys.iter().any(|known| known.id == id) {
                return Err(KeysError::Twice(nth));
            }
            let mut read = Ok(());
            let bytes = SecretBox::init_with_mut(|bytes: &mut [u8; KEY_BYTES]| {
                read = match BASE64_STANDARD.decode_slice(key, bytes) {
                    Ok(KEY_BYTES) => Ok(()),
                    _ => Err(KeysError::NoKey(nth)),
                };
            });
            read?;
            keys.push(Key { id: id.to_owned(), bytes });
        }
        Ok(Self(keys.into()))
    }

    /// A new key with a name, as [`Keys::try_new`] reads it.
    pub fn new_entry() -> SecretString {
        let (name, key): ([u8; 4], [u8; KEY_BYTES]) = rand::random();
        let name = u32::from_be_bytes(name);
        format!("{name:08x}:{}", BASE64_STANDARD.encode(key)).into()
    }

    /// Whether nothing can be sealed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the key that seals.
    pub fn first(&self) -> Result<&str, SealError> {
        self.0.first().map(|key| &*key.id).ok_or(SealError::NoKeys)
    }

    /// Whether there is a key of that name.
    pub fn has(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id == id)
    }

    /// Seals a text.
    pub fn seal(&self, sealed_for: impl Into<SealedFor>, text: &SecretString) -> Result<Sealed, SealError> {
        let key = self.0.first().ok_or(SealError::NoKeys)?;
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = text.expose_secret().as_bytes().to_vec();
        let done = key.cipher().and_then(|cipher| {
            cipher.seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                key.about(sealed_for.into()),
                &mut sealed,
            )
        });
        done.map_err(|_| SealError::Damaged(key.id.clone()))?;
        sealed.splice(..0, nonce);
        Ok(Sealed { key_id: key.id.clone(), bytes: sealed })
    }

    /// Opens what was sealed.
    pub fn open(
        &self,
        sealed_for: impl Into<SealedFor>,
        Sealed { key_id, bytes }: &Sealed,
    ) -> Result<SecretString, SealError> {
        let key = self.0.iter().find(|key| key.id == *key_id);
        let key = key.ok_or_else(|| SealError::KeyMissing(key_id.clone()))?;
        let damaged = || SealError::Damaged(key_id.clone());
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(damaged)?;
        let (nonce, mut sealed) = (Nonce::assume_unique_for_key(*nonce), sealed.to_vec());
        let cipher = key.cipher().map_err(|_| damaged())?;
        let length =
            cipher.open_in_place(nonce, key.about(sealed_for.into()), &mut sealed).map_err(|_| damaged())?.len();
        sealed.truncate(length);
        Ok(String::from_utf8(sealed).map_err(|_| damaged())?.into())
    }
}

impl Key {
    fn cipher(&self) -> Result<LessSafeKey, ring::error::Unspecified> {
        Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, self.bytes.expose_secret())?))
    }

    /// What a sealed text is bound to.
    fn about(&self, sealed_for: SealedFor) -> Aad<Vec<u8>> {
        Aad::from([sealed_for.bytes().as_slice(), self.id.as_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NORTH: SiteId = SiteId(Uuid::from_u128(7));
    const URL: &str = "postgres://north:secret@db.example.org/north";
    const A: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const B: &str = "b:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=";

    fn keys(text: &str) -> Result<Keys, KeysError> {
        Keys::try_new(&text.into())
    }

    #[test]
    fn the_first_seals_and_all_open() {
        let (a, b, both) = (keys(A).unwrap(), keys(B).unwrap(), keys(&format!("{B}, {A}")).unwrap());
        let sealed = a.seal(NORTH, &URL.into()).unwrap();
        assert_eq!(both.open(NORTH, &sealed).unwrap().expose_secret(), URL);
        assert_eq!(b.open(NORTH, &sealed).unwrap_err(), SealError::KeyMissing("a".to_owned()));
        let anew = both.seal(NORTH, &URL.into()).unwrap();
        assert_eq!((anew.key_id.as_str(), both.first()), ("b", Ok("b")));
        assert_eq!(b.open(NORTH, &anew).unwrap().expose_secret(), URL);
        assert_ne!(anew.bytes, both.seal(NORTH, &URL.into()).unwrap().bytes, "never twice the same");
        assert_eq!(Keys::default().seal(NORTH, &URL.into()), Err(SealError::NoKeys));
    }

    #[test]
    fn what_is_sealed_for_one_site_opens_for_no_other() {
        let a = keys(A).unwrap();
        let sealed = a.seal(NORTH, &URL.into()).unwrap();
        assert_eq!(a.open(SiteId(Uuid::from_u128(8)), &sealed).unwrap_err(), SealError::Damaged("a".to_owned()));
    }

    #[test]
    fn what_is_sealed_for_one_factor_opens_for_no_other() {
        let (a, [anna, ben]) = (keys(A).unwrap(), [1, 2].map(|id| PersonId(Uuid::from_u128(id))));
        let factor = |site, person, id| SealedFor::SecondFactor(site, person, Uuid::from_u128(id));
        let sealed = a.seal(factor(NORTH, anna, 1), &"a secret".into()).unwrap();
        assert_eq!(a.open(factor(NORTH, anna, 1), &sealed).unwrap().expose_secret(), "a secret");
        let south = SiteId(Uuid::from_u128(8));
        for other in [factor(south, anna, 1), factor(NORTH, ben, 1), factor(NORTH, anna, 2), NORTH.into()] {
            assert_eq!(a.open(other, &sealed).unwrap_err(), SealError::Damaged("a".to_owned()), "{other:?}");
        }
    }

    #[test]
    fn a_new_key_is_read_and_is_another_each_time() {
        let (one, other) = (Keys::new_entry(), Keys::new_entry());
        assert_ne!(one.expose_secret(), other.expose_secret());
        let both = format!("{},{}", one.expose_secret(), other.expose_secret());
        assert!(!keys(&both).unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_and_never_repeated() {
        for (text, error) in [
            ("", KeysError::Empty),
            (" ", KeysError::Empty),
            (",", KeysError::NoEntry(1)),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", KeysError::NoEntry(1)),
            (":AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", KeysError::NoEntry(1)),
            ("a b:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", KeysError::NoEntry(1)),
            ("a:secret", KeysError::NoKey(1)),
            ("a:AAAA", KeysError::NoKey(1)),
            ("a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", KeysError::NoKey(1)),
            (&format!("{A},{A}"), KeysError::Twice(2)),
            (&format!("{A},"), KeysError::NoEntry(2)),
        ] {
            let said = keys(text).unwrap_err();
            assert_eq!(said, error, "{text}");
            assert!(!said.to_string().contains("secret") && !said.to_string().contains("AAAA"), "{said}");
        }
        assert!(!format!("{:?}", keys(A).unwrap()).contains("AAAA"));
    }

    proptest! {
        #[test]
        fn what_is_damaged_is_an_error_and_never_a_panic(
            at in any::<prop::sample::Index>(), change in 1..=255_u8, cut in any::<prop::sample::Index>(),
        ) {
            let a = keys(A).unwrap();
            let whole = a.seal(NORTH, &URL.into()).unwrap();
            let damaged = SealError::Damaged("a".to_owned());
            let mut changed = whole.clone();
            changed.bytes[at.index(whole.bytes.len())] ^= change;
            prop_assert_eq!(a.open(NORTH, &changed).unwrap_err(), damaged.clone());
            let mut shorter = whole.clone();
            shorter.bytes.truncate(cut.index(whole.bytes.len()));
            prop_assert_eq!(a.open(NORTH, &shorter).unwrap_err(), damaged);
        }

        #[test]
        fn any_bytes_are_an_error_and_never_a_panic(bytes in any::<Vec<u8>>()) {
            let sealed = Sealed { key_id: "a".to_owned(), bytes };
            prop_assert!(keys(A).unwrap().open(NORTH, &sealed).is_err());
        }
    }
}
