//! The rules that a command about a person can break.

use super::events::Role;

/// Why a command about a person was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum PersonRule {
    /// Another person has the address.
    #[error("another person has this email address already; find that person, or give another address")]
    EmailTaken,
    /// Another person has the id from the other system.
    #[error("another person has this external id already; find that person, or give another id")]
    ExternalIdTaken,
    /// Links to set a password go to an address: whoever has found an open session would change it to theirs.
    #[error("this is your own address: change it at POST /v1/me/email, with your password")]
    OwnAddress,
    /// Two records of the other system under one address.
    #[error("the person with this email address has another external id already; correct one of the two")]
    HasAnotherExternalId,
    /// Roles are for those who may act.
    #[error("the person is deactivated; reactivate them before giving them the role of {role}")]
    PersonInactive {
        /// Which they were to have.
        role: Role,
    },
    /// The installation's configuration made them owner.
    #[error(
        "this is the school's first owner, or one whom the installation's configuration names: only they themselves, or a super \
             admin, remove them or give them another address"
    )]
    OwnerIsBootstrapped,
    /// Without an owner nobody could give roles any more.
    #[error("this is the school's last owner who may act: make somebody else an owner first")]
    LastOwner,
    /// Each is one more thing to lose.
    #[error("a person has at most {most} second factors; remove one that is not needed any more")]
    TooManySecondFactors {
        /// How many there may be.
        most: usize,
    },
    /// Whoever takes an owner's away needs their password alone to be them.
    #[error(
        "the person is an owner: only they themselves, or a super admin of the installation, remove their second factors"
    )]
    OwnersSecondFactors,
    /// One's own take the password or a code.
    #[error("these are your own second factors: remove them one by one, with your password or a code")]
    OwnSecondFactors,
    /// Whoever could do this to an owner could make themselves one.
    #[error("the person is an owner: only an owner may change their address, deactivate or reactivate them")]
    OwnerProtected,
}
