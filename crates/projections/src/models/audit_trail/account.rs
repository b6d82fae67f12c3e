//! What the audit trail says of accounts: who was let in, by what, and who changed that, in words. It never says what was secret.

use rollbook_domain::account::{
    AccountEvent, InvitationPurpose, PasswordChange, ShownFactor, SignInFailure, SignInMethod,
};

use super::AuditAction as Action;
use super::entry::AuditEntry;

/// The entry of an event: all of them are kept.
pub(super) fn of_account(event: &AccountEvent) -> AuditEntry {
    match event {
        AccountEvent::InvitationIssued { purpose, by: _ } => {
            AuditEntry::new(Action::InvitationIssued).reason(&invited(*purpose).into())
        }
        AccountEvent::PasswordSet { how } => AuditEntry::new(Action::PasswordSet).reason(&set(*how).into()),
        AccountEvent::SignedIn { method, session_id: _, second_factor, new_device: _ } => {
            AuditEntry::new(Action::SignedIn).reason(&format!("{}{}", by(*method), and(*second_factor)).into())
        }
        AccountEvent::SignInFailed { reason } => AuditEntry::new(Action::SignInFailed).reason(&refused(*reason).into()),
        AccountEvent::SignInsFailed {} => AuditEntry::new(Action::SignInsFailed),
        AccountEvent::SignedOut { session_id: _ } => AuditEntry::new(Action::SignedOut),
        AccountEvent::SignedOutEverywhere {} => AuditEntry::new(Action::SignedOutEverywhere),
        AccountEvent::ApiKeyCreated { key_id, name, scope, expires_at, epoch: _ } => {
            let until = expires_at.format("%Y-%m-%d");
            let words = format!("key {key_id}, {}: {scope}, until {until}", name.as_str());
            AuditEntry::new(Action::ApiKeyCreated).reason(&words.into())
        }
        AccountEvent::ApiKeyRevoked { key_id } => {
            AuditEntry::new(Action::ApiKeyRevoked).reason(&format!("key {key_id}").into())
        }
        AccountEvent::IdentityLinked { issuer } => {
            AuditEntry::new(Action::IdentityLinked).reason(&issuer.as_str().into())
        }
        AccountEvent::IdentityUnlinked { issuer } => {
            AuditEntry::new(Action::IdentityUnlinked).reason(&issuer.as_str().into())
        }
    }
}

fn invited(purpose: InvitationPurpose) -> &'static str {
    match purpose {
        InvitationPurpose::Invitation => "to set a password",
        InvitationPurpose::Reset => "to set another password, as was asked for under the address",
    }
}

fn set(how: PasswordChange) -> &'static str {
    match how {
        PasswordChange::Invitation => "by an invitation",
        PasswordChange::Reset => "by a reset",
        PasswordChange::Change => "by whoever knew the one before",
    }
}

fn by(method: SignInMethod) -> &'static str {
    match method {
        SignInMethod::Password => "by a password",
        SignInMethod::Invitation => "by an invitation or a reset",
        SignInMethod::Oidc => "by another system",
        SignInMethod::Discord => "by Discord",
    }
}

fn and(second_factor: ShownFactor) -> &'static str {
    match second_factor {
        ShownFactor::Nothing => "",
        ShownFactor::Totp => " and a code",
        ShownFactor::Passkey => " and a passkey",
        ShownFactor::RecoveryCode => " and a recovery code",
        ShownFactor::Elsewhere => ", which has asked for a second factor",
    }
}

fn refused(reason: SignInFailure) -> &'static str {
    match reason {
        SignInFailure::WrongPassword => "a wrong password",
        SignInFailure::NoPassword => "the person has no password",
        SignInFailure::PersonInactive => "the person is deactivated",
        SignInFailure::WrongSecondFactor => "a wrong second factor",
    }
}
