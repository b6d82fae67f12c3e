//! Hashing passwords, which is meant to be slow: away from the threads that answer requests, few at a time, and with a short queue,
//! so that a flood of guesses leaves room for everybody who is signed in already.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::problem::ApiError;

/// 19 MiB, two passes, one lane: what OWASP's password storage cheat sheet asks of Argon2id at least.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What is verified where there is no hash to verify: of the same parameters, and of a password that nobody has.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LWhhcy10aGlz$q1pYxC0h4xq0Hn2m3s8vVb5kJtWfZlRuE7oGdA6yTnI";

/// How many may wait for each that is hashed.
const WAITING_FOR_EACH: usize = 16;
/// How long one may wait.
const WAIT: Duration = Duration::from_secs(5);

/// Hashes and verifies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Hashing {
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// A place in the queue. Whoever has none is sent away before anything is looked up for them.
#[derive(Debug)]
pub struct Place {
    held: OwnedSemaphorePermit,
    running: Arc<Semaphore>,
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
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let running = cores.saturating_sub(1).max(1);
        Self {
            places: Arc::new(Semaphore::new(running * (1 + WAITING_FOR_EACH))),
            running: Arc::new(Semaphore::new(running)),
        }
    }

    /// A place in the queue, if there is one.
    pub fn place(&self) -> Result<Place, ApiError> {
        let held = self.places.clone().try_acquire_owned().map_err(|_| ApiError::Overloaded)?;
        Ok(Place { held, running: self.running.clone() })
    }
}

impl Place {
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
        let turn = timeout(WAIT, self.running.clone().acquire_owned()).await.map_err(|_| ApiError::Overloaded)?;
        let turn = turn.map_err(|error| ApiError::internal(&error))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        debug_assert_eq!(self.held.num_permits(), 1, "the place is held as long as there is work");
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
    use super::*;

    fn secret(text: &str) -> SecretString {
        text.into()
    }

    #[tokio::test]
    async fn knows_a_password_by_its_hash_alone() {
        let mut place = Hashing::new().place().unwrap();
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
        let mut place = Hashing::new().place().unwrap();
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
    fn sends_away_whoever_finds_the_queue_full() {
        let hashing = Hashing::new();
        let waiting: Vec<_> = std::iter::from_fn(|| hashing.place().ok()).collect();
        assert!(waiting.len() > WAITING_FOR_EACH);
        assert!(matches!(hashing.place(), Err(ApiError::Overloaded)));
        drop(waiting);
        assert!(hashing.place().is_ok());
    }
}
