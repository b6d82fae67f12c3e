//! Every way in that a person has, and how each ends. What the log says of a person (a role, an address, their activity) ends ways in
//! by their epoch, in which alone they are good; what happens to an account ends them here, in the transaction in which it happens.
//! Whoever adds a way in adds it here, and its epoch to what looks it up.
//!
//! Second factors are no ways in: they let nobody in, and nothing that ends ways in takes one away.

use chrono::{DateTime, Utc};
use rollbook_domain::{PersonId, SiteId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::StoreError;

/// What lets somebody in, other than their password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WayIn {
    /// Sessions, and tokens that the command line printed.
    Sessions,
    /// Keys for programs.
    ApiKeys,
    /// Links to set a password by.
    Invitations,
    /// Letters that are to bring such a link.
    Letters,
    /// Other systems' word.
    Identities,
    /// Devices that count as known.
    Devices,
    /// The secret address of a calendar.
    CalendarLink,
    /// What has shown one thing of two.
    HalfSignIns,
    /// A passkey that is being made.
    PasskeyRegistrations,
}

// Sessions end first, here and below: what is made by one waits for that, or is there to be ended after it.

/// What ends with a password that was set by a link: whoever has it may be another than whoever came in before.
pub(super) const BY_A_LINK: &[WayIn] = &[
    WayIn::Sessions,
    WayIn::ApiKeys,
    WayIn::Invitations,
    WayIn::Letters,
    WayIn::Identities,
    WayIn::Devices,
    WayIn::CalendarLink,
    WayIn::HalfSignIns,
    WayIn::PasskeyRegistrations,
];

/// What ends when somebody signs out everywhere, and with a password that they change: what another may have made who came by an open
/// session or the old password. Their devices stay known, and other systems know them.
pub(super) const EVERYWHERE: &[WayIn] = &[
    WayIn::Sessions,
    WayIn::ApiKeys,
    WayIn::Invitations,
    WayIn::Letters,
    WayIn::CalendarLink,
    WayIn::HalfSignIns,
    WayIn::PasskeyRegistrations,
];

/// Has whoever sets a person's password by a link, and whoever links another system to them, do so one after the other, until the
/// transaction ends. What tells the log meanwhile waits for nobody who holds this.
pub(super) async fn hold(connection: &mut PgConnection, (site, person): (SiteId, PersonId)) -> Result<(), StoreError> {
    let sql = "select pg_advisory_xact_lock($1, hashtext($2))";
    sqlx::query(sql).bind(PEOPLE).bind(format!("{site}/{person}")).execute(connection).await?;
    Ok(())
}

/// What such locks are told from others by.
const PEOPLE: i32 = 1_885_695_084;

/// Ends ways in of a person, but one session if there is one to stay.
pub(super) async fn end(
    connection: &mut PgConnection,
    (site, person): (SiteId, PersonId),
    ways: &[WayIn],
    but: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    for way in ways {
        let sql = match way {
            WayIn::Sessions => {
                "update tokens set revoked_at = $3 where site_id = $1 and person_id = $2 and revoked_at is null
                    and kind <> 'api_key' and id is distinct from $4"
            }
            WayIn::ApiKeys => {
                "update tokens set revoked_at = $3 where site_id = $1 and person_id = $2 and revoked_at is null
                    and kind = 'api_key' and id is distinct from $4"
            }
            WayIn::Invitations => "delete from invitations where site_id = $1 and person_id = $2 and used_at is null",
            WayIn::Letters => "delete from account_letters where site_id = $1 and person_id = $2",
            WayIn::Identities => "delete from identities where site_id = $1 and person_id = $2",
            WayIn::Devices => "delete from devices where site_id = $1 and person_id = $2",
            WayIn::CalendarLink => "delete from calendar_links where site_id = $1 and person_id = $2",
            WayIn::HalfSignIns => "delete from half_sign_ins where site_id = $1 and person_id = $2",
            WayIn::PasskeyRegistrations => "delete from passkey_registrations where site_id = $1 and person_id = $2",
        };
        let query = sqlx::query(sql).bind(site.0).bind(person.0);
        // Tokens are kept for a while, to say why they are refused.
        let query = match way {
            WayIn::Sessions | WayIn::ApiKeys => query.bind(now).bind(but),
            _ => query,
        };
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
