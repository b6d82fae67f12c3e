//! What lets people in: passwords' hashes, sessions, keys, invitations, devices, other systems' word; and what they show besides. Who was let in is the
//! log's to say; nothing here decides who may be, and nothing here is ever read by a read model.

mod credentials;
mod devices;
pub(crate) mod grounds;
mod half_sign_ins;
mod identities;
mod invitations;
mod letter_files;
mod letters;
mod second_factors;
mod sessions;
mod ways_in;

use chrono::{DateTime, TimeDelta, Utc};
use rollbook_domain::SiteId;

pub use credentials::Candidate;
pub use grounds::Grounds;
pub use half_sign_ins::{HalfSignIn, NewHalfSignIn};
pub use identities::{Identity, IdentityItem, LinkedBy};
pub use invitations::{Invitation, Redeemed, Shown};
pub use letters::AccountLetter;
pub use second_factors::{KeptPasskey, KeptTotp, PasskeyRegistration, SecondFactorItem, Settled, Settling, TotpSecret};
pub use sessions::{ApiKeyItem, NewToken, NewTokenKind, SessionItem};

use crate::{EventStore, StoreError};

/// How long what has run out is kept: long enough to say why it is refused, when somebody asks.
const KEPT: TimeDelta = TimeDelta::days(30);

impl EventStore {
    /// Takes away what has run out: tokens, invitations, devices; how many rows.
    pub async fn clean_up_accounts(&self, site: SiteId, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let long_ago = now - KEPT;
        let mut gone = 0;
        for (sql, before) in [
            ("delete from tokens where site_id = $1 and (expires_at < $2 or revoked_at < $2)", long_ago),
            ("delete from invitations where site_id = $1 and expires_at < $2", long_ago),
            ("delete from devices where site_id = $1 and expires_at < $2", now),
            ("delete from half_sign_ins where site_id = $1 and expires_at < $2", now),
            ("delete from passkey_registrations where site_id = $1 and expires_at < $2", now),
        ] {
            gone += sqlx::query(sql).bind(site.0).bind(before).execute(&self.pool).await?.rows_affected();
        }
        Ok(gone)
    }
}
