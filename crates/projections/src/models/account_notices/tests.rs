//! Which events ask for a letter, and to whom it goes.

use rollbook_domain::account::{InvitationPurpose, KeyScope, PasswordChange, ShownFactor, SignInFailure};
use rollbook_domain::origin::Origin;
use rollbook_domain::person::{Role, SecondFactorKind};
use rollbook_domain::{AccountId, CommandId, SiteId, StreamId};

use super::*;
use crate::Rows;

const ANNA: PersonId = PersonId(Uuid::from_u128(7));
const ADMIN: PersonId = PersonId(Uuid::from_u128(2));

fn recorded(stream: StreamId, sequence: i64, event: impl Into<Event>) -> Recorded {
    Recorded {
        position: 100 + sequence,
        site: SiteId::DEFAULT,
        stream,
        sequence,
        command_id: CommandId(Uuid::nil()),
        actor: Some(ADMIN),
        authority: Some(Authority::Admin),
        recorded_at: DateTime::UNIX_EPOCH,
        event: event.into(),
    }
}

/// The letters of events, each in both streams at the same place: what they tell, of what, and where they go.
fn told(events: Vec<Event>) -> Vec<(NoticeKind, Option<String>, Option<String>)> {
    let events: Vec<_> = events
        .into_iter()
        .enumerate()
        .map(|(nth, event)| {
            let stream = match event {
                Event::Account(_) => AccountId::from(ANNA).into(),
                _ => ANNA.into(),
            };
            recorded(stream, i64::try_from(nth / 2).unwrap() + 1, event)
        })
        .collect();
    let mut rows = Rows::<AccountNotices>::default();
    rows.fold(&events);
    // Again, as a rebuild does: the same letters.
    rows.fold(&events);
    let mut rows: Vec<_> = rows.iter().map(|(_, row)| row.clone()).collect();
    rows.sort_by_key(|row| (row.position, row.kind.to_string(), row.address.is_some()));
    rows.iter()
        .map(|row| {
            assert_eq!((row.person_id, row.by, row.authority), (ANNA, Some(ADMIN), Some(Authority::Admin)));
            let text = |text: &Option<Personal<String>>| text.as_ref().map(|text| text.as_str().to_owned());
            (row.kind, text(&row.detail), text(&row.address))
        })
        .collect()
}

fn corrected(name: Option<&str>, email: Option<&str>, email_before: Option<&str>) -> Event {
    let [name, email, email_before] = [name, email, email_before].map(|text| text.map(Into::into));
    PersonEvent::PersonCorrected { name, email, origin: Origin::Hand, themselves: false, email_before }.into()
}

#[test]
fn whatever_lets_somebody_in_is_told_of_and_nothing_else() {
    use NoticeKind as Kind;
    let id = Uuid::nil();
    let signed_in = |method, new_device| {
        let second_factor = ShownFactor::Nothing;
        AccountEvent::SignedIn { method, session_id: id, second_factor, new_device }.into()
    };
    let issuer = || "https://id.example.org".to_owned();
    let key = AccountEvent::ApiKeyCreated {
        key_id: id,
        name: "Table".into(),
        scope: KeyScope::READ,
        expires_at: DateTime::UNIX_EPOCH,
        epoch: 0,
    };
    for (event, kind, detail) in [
        (AccountEvent::PasswordSet { how: PasswordChange::Reset }.into(), Some(Kind::PasswordSet), Some("reset")),
        (key.into(), Some(Kind::ApiKeyCreated), Some("Table")),
        (AccountEvent::ApiKeyRevoked { key_id: id }.into(), Some(Kind::ApiKeyRevoked), None),
        (
            AccountEvent::IdentityLinked { issuer: issuer() }.into(),
            Some(Kind::IdentityLinked),
            Some("https://id.example.org"),
        ),
        (
            AccountEvent::IdentityUnlinked { issuer: issuer() }.into(),
            Some(Kind::IdentityUnlinked),
            Some("https://id.example.org"),
        ),
        (signed_in(SignInMethod::Password, true), Some(Kind::NewDevice), Some("password")),
        (signed_in(SignInMethod::Password, false), None, None),
        (signed_in(SignInMethod::Invitation, true), None, None),
        (AccountEvent::SignInsFailed {}.into(), Some(Kind::SignInsFailed), None),
        (AccountEvent::SignInFailed { reason: SignInFailure::WrongPassword }.into(), None, None),
        (AccountEvent::InvitationIssued { purpose: InvitationPurpose::Reset, by: None }.into(), None, None),
        (AccountEvent::SignedOutEverywhere {}.into(), None, None),
        (
            PersonEvent::RoleGranted { role: Role::Admin, bootstrapped: false }.into(),
            Some(Kind::RoleGranted),
            Some("admin"),
        ),
        (PersonEvent::RoleRevoked { role: Role::Owner }.into(), Some(Kind::RoleRevoked), Some("owner")),
        (PersonEvent::AccessEnded {}.into(), Some(Kind::AccessEnded), None),
        (
            PersonEvent::SecondFactorAdded { factor_id: id, kind: SecondFactorKind::Totp }.into(),
            Some(Kind::SecondFactorAdded),
            Some("totp"),
        ),
        (
            PersonEvent::SecondFactorRemoved { factor_id: id, kind: SecondFactorKind::Passkey, themselves: true }
                .into(),
            Some(Kind::SecondFactorRemoved),
            Some("passkey"),
        ),
        (PersonEvent::PersonDeactivated { reason: "has left".into() }.into(), None, None),
        (corrected(Some("Ánna"), None, None), None, None),
        (corrected(None, Some("new@example.org"), None), Some(Kind::AddressChanged), None),
    ] {
        let expected: Vec<_> = kind.map(|kind| (kind, detail.map(str::to_owned), None)).into_iter().collect();
        assert_eq!(told(vec![event]), expected);
    }
}

#[test]
fn another_address_is_told_at_both() {
    assert_eq!(
        told(vec![corrected(None, Some("new@example.org"), Some("old@example.org"))]),
        [
            (NoticeKind::AddressChanged, None, None),
            (NoticeKind::AddressChanged, None, Some("old@example.org".to_owned()))
        ]
    );
}

#[test]
fn the_same_place_of_two_streams_is_two_letters() {
    let events = vec![PersonEvent::AccessEnded {}.into(), AccountEvent::SignInsFailed {}.into()];
    assert_eq!(told(events).len(), 2);
}
