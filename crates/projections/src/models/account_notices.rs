//! Letters that tell people what has happened to their account: which events ask for one, one row each. What becomes of a letter,
//! and whether its person has an account at all, is for whoever sends it.

use chrono::{DateTime, Utc};
use rollbook_domain::account::{AccountEvent, SignInMethod};
use rollbook_domain::person::PersonEvent;
use rollbook_domain::{Authority, Event, MessageId, PersonId, Personal, StreamType};
use rollbook_store::{Position, Recorded};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ReadModel, SiteRows};

/// The read model.
#[derive(Debug)]
pub struct AccountNotices;

/// What a letter tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum NoticeKind {
    /// A password was set, the first or another one.
    PasswordSet,
    /// The address is another one.
    AddressChanged,
    /// A key was made that acts for the person.
    ApiKeyCreated,
    /// A key of theirs was ended.
    ApiKeyRevoked,
    /// Another system vouches for them from now on.
    IdentityLinked,
    /// Another system vouches for them no more.
    IdentityUnlinked,
    /// They sign in with one more thing from now on.
    SecondFactorAdded,
    /// They sign in with one thing less.
    SecondFactorRemoved,
    /// They were given a role.
    RoleGranted,
    /// A role of theirs was taken away.
    RoleRevoked,
    /// Somebody has ended every way in that they had.
    AccessEnded,
    /// They have signed in on a device that was not known.
    NewDevice,
    /// Many attempts to sign in as them have failed.
    SignInsFailed,
}

/// A letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Whose account it is about.
    pub person_id: PersonId,
    /// Which message; the same whenever it is folded.
    pub message_id: MessageId,
    /// What it tells.
    pub kind: NoticeKind,
    /// Which role, system or key; how the password was set.
    pub detail: Option<Personal<String>>,
    /// Where it goes, if not where the person gets mail now.
    pub address: Option<Personal<String>>,
    /// Who did it; none is the installation.
    pub by: Option<PersonId>,
    /// In what capacity.
    pub authority: Option<Authority>,
    /// When it happened.
    pub happened_at: DateTime<Utc>,
    /// Its event's place in the log.
    pub position: Position,
}

impl ReadModel for AccountNotices {
    const NAME: &'static str = "account_notices";
    const VERSION: i32 = 1;
    const TABLE: &'static str = "account_notices";
    const KEY: &'static [&'static str] = &["person_id", "message_id"];
    const COLUMNS: &'static [&'static str] =
        &["kind", "detail", "address", "by", "authority", "happened_at", "position"];
    const STREAMS: &'static [StreamType] = &[StreamType::Person, StreamType::Account];
    const NEEDS_ACTOR: bool = true;

    type Key = (PersonId, MessageId);
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<Self::Key> {
        letters(event).iter().map(Self::key).collect()
    }

    fn key(row: &Row) -> Self::Key {
        (row.person_id, row.message_id)
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        for letter in letters(event) {
            rows.put(letter);
        }
    }
}

/// The letters that an event asks for.
fn letters(event: &Recorded) -> Vec<Row> {
    match &event.event {
        Event::Person(happened) => of_person(event, happened),
        Event::Account(happened) => of_account(happened).map(|said| said.row(event)).into_iter().collect(),
        // Of no other stream is anything folded here: see `STREAMS`.
        _ => Vec::new(),
    }
}

fn of_person(event: &Recorded, happened: &PersonEvent) -> Vec<Row> {
    match happened {
        PersonEvent::PersonCorrected { email: Some(_), email_before, .. } => {
            let now = Said::new(NoticeKind::AddressChanged).row(event);
            let before = email_before.clone().map(|before| Row {
                message_id: message_id(event, "before"),
                address: Some(before),
                ..now.clone()
            });
            [now].into_iter().chain(before).collect()
        }
        PersonEvent::RoleGranted { role, bootstrapped: _ } => {
            vec![Said::new(NoticeKind::RoleGranted).of(<&str>::from(*role)).row(event)]
        }
        PersonEvent::RoleRevoked { role } => {
            vec![Said::new(NoticeKind::RoleRevoked).of(<&str>::from(*role)).row(event)]
        }
        PersonEvent::AccessEnded {} => vec![Said::new(NoticeKind::AccessEnded).row(event)],
        PersonEvent::SecondFactorAdded { kind, factor_id: _ } => {
            vec![Said::new(NoticeKind::SecondFactorAdded).of(<&str>::from(*kind)).row(event)]
        }
        PersonEvent::SecondFactorRemoved { kind, factor_id: _, themselves: _ } => {
            vec![Said::new(NoticeKind::SecondFactorRemoved).of(<&str>::from(*kind)).row(event)]
        }
        PersonEvent::PersonCorrected { email: None, .. }
        | PersonEvent::PersonRegistered { .. }
        | PersonEvent::ExternalIdAssigned { .. }
        | PersonEvent::OwnerReleased {}
        | PersonEvent::PersonDeactivated { .. }
        | PersonEvent::PersonReactivated {} => Vec::new(),
    }
}

fn of_account(happened: &AccountEvent) -> Option<Said> {
    match happened {
        AccountEvent::PasswordSet { how } => Some(Said::new(NoticeKind::PasswordSet).of(<&str>::from(*how))),
        AccountEvent::ApiKeyCreated { name, .. } => Some(Said::new(NoticeKind::ApiKeyCreated).of(name.as_str())),
        AccountEvent::ApiKeyRevoked { .. } => Some(Said::new(NoticeKind::ApiKeyRevoked)),
        AccountEvent::IdentityLinked { issuer } => Some(Said::new(NoticeKind::IdentityLinked).of(issuer)),
        AccountEvent::IdentityUnlinked { issuer } => Some(Said::new(NoticeKind::IdentityUnlinked).of(issuer)),
        AccountEvent::SignedIn { method, new_device, session_id: _, second_factor: _ } => {
            // Of a link, the letter about the password that it set tells.
            let told = *new_device && *method != SignInMethod::Invitation;
            told.then(|| Said::new(NoticeKind::NewDevice).of(<&str>::from(*method)))
        }
        AccountEvent::SignInsFailed {} => Some(Said::new(NoticeKind::SignInsFailed)),
        AccountEvent::InvitationIssued { .. }
        | AccountEvent::SignInFailed { .. }
        | AccountEvent::SignedOut { .. }
        | AccountEvent::SignedOutEverywhere {} => None,
    }
}

/// What a letter says of an event, before it is somebody's.
struct Said {
    kind: NoticeKind,
    detail: Option<Personal<String>>,
}

impl Said {
    fn new(kind: NoticeKind) -> Self {
        Self { kind, detail: None }
    }

    fn of(self, detail: &str) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    fn row(self, event: &Recorded) -> Row {
        Row {
            person_id: PersonId(event.stream.id),
            message_id: message_id(event, "now"),
            kind: self.kind,
            detail: self.detail,
            address: None,
            by: event.actor,
            authority: event.authority,
            happened_at: event.recorded_at,
            position: event.position,
        }
    }
}

/// What the ids of letters are made in.
const NAMESPACE: Uuid = Uuid::from_u128(0x3f0d_94c1_7b62_4a1e_8d25_50c9_1e7a_4b66);

/// A letter's id, by its event's stream and place there; `whose` address it goes to.
fn message_id(event: &Recorded, whose: &str) -> MessageId {
    let name = format!("{}/{}/{}/{whose}", event.site, event.stream, event.sequence);
    MessageId(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
}

#[cfg(test)]
mod tests;
