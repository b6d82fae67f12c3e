//! Hashing passwords, which is meant to be slow: away from the threads that answer requests, few at a time, and by
//! turns of the schools, so that a flood of guesses leaves room for everybody who is signed in already, and at one
//! school for all the others.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use rollbook_domain::SiteId;
use rollbook_turns::{Bounds, Busy, Turns};
use secrecy::{ExposeSecret, SecretString};

use crate::at_once::{AtOnce, OneOf};
use crate::client_address::ClientAddress;
use crate::problem::ApiError;

/// 19 MiB, two passes, one lane: what OWASP's password storage cheat sheet asks of Argon2id at least.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What is verified where there is no hash to verify: of the same parameters, and of a password that nobody has.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LWhhcy10aGlz$q1pYxC0h4xq0Hn2m3s8vVb5kJtWfZlRuE7oGdA6yTnI";

/// How many of one school are looked at or wait at a time: half a second's to a second's work, and more than a class
/// that begins.
const OF_SITE: usize = 32;
/// How many of one address at one school: one address alone keeps nobody else of the school out.
const OF_ADDRESS: usize = 16;
/// How many for one person: of two changes at once one is told of the other; more are somebody's script.
const OF_ONE: usize = 2;
/// How many wait in all. Schools take turns, and whoever has most in the line gives way.
const WAITING: usize = 256;
/// How long one may wait.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long somebody is asked to wait who has too many under way: each takes some hundredths of a second.
const SHORTLY: Duration = Duration::from_secs(1);

/// Hashes and verifies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Hashing {
    turns: Arc<Turns>,
    places: AtOnce<Share>,
}

/// What places are counted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Share {
    Site(SiteId),
    Address(SiteId, IpAddr),
    One(SiteId, String),
}

/// A place among those who are looked at or wait. Whoever has none is sent away before anything is looked up for them.
#[derive(Debug)]
pub struct HashPermit {
    turns: Arc<Turns>,
    site: SiteId,
    _held: [OneOf<Share>; 3],
}

/// What verifying came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// It is another password.
    No,
    /// It is the password.
    Yes,
    /// It is the password, and the hash should be made anew.
    WithOldParameters,
}

impl Hashing {
    /// As much at a time as leaves a core for the others.
    pub fn new() -> Self {
        let bounds = Bounds {
            at_once: rollbook_background::processors(),
            waiting: WAITING,
            waiting_of_site: OF_SITE,
            patience: PATIENCE,
        };
        Self { turns: Arc::new(Turns::new(bounds)), places: AtOnce::default() }
    }

    /// A place for whom a site knows by this, if they, their address and their school have one left.
    pub fn place(&self, site: SiteId, client: ClientAddress, whom: String) -> Result<HashPermit, ApiError> {
        let too_many = || ApiError::TooManyRequests { wait: SHORTLY };
        let one = self.places.count(Share::One(site, whom), OF_ONE).ok_or_else(too_many)?;
        let address = self.places.count(Share::Address(site, client.network()), OF_ADDRESS).ok_or_else(too_many)?;
        let of_site = self.places.count(Share::Site(site), OF_SITE).ok_or(ApiError::Overloaded)?;
        Ok(HashPermit { turns: self.turns.clone(), site, _held: [one, address, of_site] })
    }
}

impl HashPermit {
    /// Whether a password is that of a hash. Without a hash it is not, after the same work.
    pub async fn verify(&mut self, password: &SecretString, phc: Option<&SecretString>) -> Result<Verified, ApiError> {
        let (password, phc) = (password.clone(), phc.cloned());
        self.run(move || {
            let known = phc.is_some();
            let verified = verify(&password, phc.as_ref().map_or(NOBODYS, |phc| phc.expose_secret()))?;
            Ok(if known { verified } else { Verified::No })
        })
        .await
    }

    /// A new hash of a password.
    pub async fn hash(&mut self, password: &SecretString) -> Result<SecretString, ApiError> {
        let password = password.clone();
        self.run(move || {
            let hash: PasswordHash = argon2()?.hash_password(password.expose_secret().as_bytes()).map_err(failed)?;
            Ok(hash.to_string().into())
        })
        .await
    }

    /// Works when it is its turn. Whoever goes away meanwhile leaves the turn taken until the work is done.
    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let turn = self.turns.turn(self.site).await.map_err(|Busy| ApiError::Overloaded)?;
        let done = rollbook_background::compute(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|error| ApiError::internal(&error))?
    }
}

fn argon2() -> Result<Argon2<'static>, ApiError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| ApiError::internal(&error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn failed(error: argon2::password_hash::Error) -> ApiError {
    ApiError::internal(&error)
}

fn verify(password: &SecretString, phc: &str) -> Result<Verified, ApiError> {
    use argon2::password_hash::Error;
    let hash = PasswordHash::new(phc).map_err(|_| ApiError::internal(&"a stored password hash cannot be read"))?;
    let ours = argon2()?;
    match ours.verify_password(password.expose_secret().as_bytes(), &hash) {
        Ok(()) => {
            let params = Params::try_from(&hash).map_err(failed)?;
            let current = hash.algorithm == Algorithm::Argon2id.ident()
                && (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES);
            Ok(if current { Verified::Yes } else { Verified::WithOldParameters })
        }
        Err(Error::PasswordInvalid) => Ok(Verified::No),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn secret(text: &str) -> SecretString {
        text.into()
    }

    fn somebody(hashing: &Hashing, site: u128, address: u8, whom: &str) -> Result<HashPermit, ApiError> {
        let address = ClientAddress([192, 0, 2, address].into());
        hashing.place(SiteId(Uuid::from_u128(site)), address, whom.to_owned())
    }

    #[tokio::test]
    async fn knows_a_password_by_its_hash_alone() {
        let mut place = somebody(&Hashing::new(), 1, 1, "anna").unwrap();
        let hash = place.hash(&secret("correct horse")).await.unwrap();
        assert!(hash.expose_secret().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(place.verify(&secret("correct horse"), Some(&hash)).await.unwrap(), Verified::Yes);
        assert_eq!(place.verify(&secret("correct horsf"), Some(&hash)).await.unwrap(), Verified::No);
        assert_eq!(place.verify(&secret("correct horse"), None).await.unwrap(), Verified::No);
    }

    #[tokio::test]
    async fn says_when_a_hash_has_older_parameters() {
        let params = Params::new(8 * 1_024, 1, 1, None).unwrap();
        let weaker = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let old: PasswordHash = weaker.hash_password(b"correct horse").unwrap();
        let old = secret(&old.to_string());
        let mut place = somebody(&Hashing::new(), 1, 1, "anna").unwrap();
        assert_eq!(place.verify(&secret("correct horse"), Some(&old)).await.unwrap(), Verified::WithOldParameters);
        assert_eq!(place.verify(&secret("other"), Some(&old)).await.unwrap(), Verified::No);
    }

    #[test]
    fn nobodys_hash_makes_the_same_work_as_anybodys() {
        let hash = PasswordHash::new(NOBODYS).unwrap();
        let params = Params::try_from(&hash).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (MEMORY_KIB, PASSES, LANES));
        assert_eq!(hash.algorithm, Algorithm::Argon2id.ident());
        assert_eq!(hash.hash.map(|hash| hash.len()), Some(32));
    }

    #[test]
    fn nobody_has_more_than_their_share_of_the_places() {
        let hashing = Hashing::new();
        let too_many = |place: Result<HashPermit, ApiError>| matches!(place, Err(ApiError::TooManyRequests { .. }));
        let mut held = Vec::new();
        for nth in 0..OF_ADDRESS {
            held.push(somebody(&hashing, 1, 1, &format!("{}", nth / OF_ONE)).unwrap());
        }
        assert!(too_many(somebody(&hashing, 1, 1, "another")), "an address");
        assert!(too_many(somebody(&hashing, 1, 2, "0")), "a person");
        for nth in OF_ADDRESS..OF_SITE {
            held.push(somebody(&hashing, 1, 2, &format!("{nth}")).unwrap());
        }
        assert!(matches!(somebody(&hashing, 1, 3, "another"), Err(ApiError::Overloaded)), "a school");
        assert!(somebody(&hashing, 2, 1, "0").is_ok(), "another school, from the same address");
        held.clear();
        assert!(somebody(&hashing, 1, 1, "0").is_ok());
    }
}
